'use strict';

const customers = require('./customers');
const { lineTotal, sum } = require('./lines');
const { taxOn } = require('./tax');

const invoice = (customer, lines) => {
  const { name, country } = customers.get(customer);
  const net = sum(lines.map(lineTotal));
  const tax = taxOn(net, country);
  return { name, net, tax, gross: net + tax };
};

module.exports = invoice;
