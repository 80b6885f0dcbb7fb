//! Stories that real processes play. Each is a promise to somebody; `tests/README.md` says which.

mod arrives;
mod attachments;
mod backup;
mod canary;
mod clocks;
mod cuts;
mod damage;
mod exits;
mod export;
mod frozen;
mod fuzz;
mod healing;
mod inbox;
mod kills;
mod lab;
mod link;
mod page;
mod people;
mod proxies;
mod readme;
mod scarce;
mod service;
mod strangers;
mod tidy;
mod together;
mod versions;
