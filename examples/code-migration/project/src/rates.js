'use strict';

/** Percent. */
const rates = { de: 19, fr: 20, hu: 27 };

module.exports = rates;
