'use strict';

const rates = require('./rates');

exports.taxOn = (amount, country) => Math.round((amount * rates[country]) / 100);
