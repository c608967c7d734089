-- The tables of bench.toml, in both zones.

CREATE TABLE narrow_row (
  id INTEGER NOT NULL PRIMARY KEY,
  pay_code TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  pay_time TEXT NOT NULL
) STRICT;

CREATE TABLE usual_row (
  id INTEGER NOT NULL PRIMARY KEY,
  pay_code TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  pay_time TEXT NOT NULL
) STRICT;

CREATE TABLE prompt_row (
  id INTEGER NOT NULL PRIMARY KEY,
  pay_code TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  pay_time TEXT NOT NULL
) STRICT;

CREATE TABLE wide_row (
  id INTEGER NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;
