'use strict';

const cents = (euros) => Math.round(euros * 100);
const euros = (amount) => (amount / 100).toFixed(2);

module.exports = { cents, euros };
