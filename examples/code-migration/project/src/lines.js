'use strict';

const { cents: toCents } = require('./money');

exports.lineTotal = ({ quantity, price }) => quantity * toCents(price);
exports.sum = (amounts) => amounts.reduce((all, one) => all + one, 0);
