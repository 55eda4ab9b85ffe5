'use strict';

const { euros } = require('./money');

exports.render = ({ name, net, tax, gross }) =>
  [`Invoice for ${name}`, `net ${euros(net)}`, `tax ${euros(tax)}`, `gross ${euros(gross)}`].join('\n');
