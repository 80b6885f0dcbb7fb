//! `key …`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, moment};
use serde_json::json;

use super::args::KeyCommand;
use super::ask::{ask, unexpected};
use super::{Context, document};
use crate::service::key::{Answer, KeyRow, Request};
use crate::service::{Answer as Told, Request as Ask};

const DAY_MS: u64 = 86_400_000;

pub(super) fn run(context: &Context<'_>, command: &KeyCommand) -> Result<Exit, Failure> {
    let request = match command {
        KeyCommand::Create { name, scopes, expires } => Request::Create {
            name: name.clone(),
            scopes: scopes.iter().flat_map(|scopes| scopes.split(',')).map(str::to_owned).collect(),
            expires_ms: expires.saturating_mul(DAY_MS),
        },
        KeyCommand::List => Request::List,
        KeyCommand::Revoke { id } => Request::Revoke { id: id.clone() },
    };
    let Told::Key(answer) = ask(context, Ask::Key(request))? else { return Err(unexpected()) };
    let out = context.out;
    match answer {
        Answer::Created { key, row } if out.json => {
            let mut created = document("kentongan.hub.key/1", &row);
            created["key"] = key.into();
            out.document(&created);
        }
        Answer::Created { key, .. } => {
            out.line(&key);
            out.say(
                "Simpan sekarang; kunci ini tidak bisa ditampilkan lagi.",
                "Keep it now; it cannot be shown again.",
            );
        }
        Answer::List { keys } if out.json => {
            out.document(&json!({ "schema": "kentongan.hub.keys/1", "keys": keys }));
        }
        Answer::List { keys } => {
            let mut table =
                Table::new(["", out.pick("Nama", "Name"), out.pick("Wewenang", "Scopes"), out.pick("Sampai", "Until")]);
            for key in keys {
                let until = match key.revoked_at {
                    Some(_) => out.pick("dicabut", "revoked").to_owned(),
                    None => moment::text(key.expires_at),
                };
                table.row([key.id, key.name, key.scopes.join(" "), until]);
            }
            out.table(&table);
        }
        Answer::Revoked(row) if out.json => out.document(&document("kentongan.hub.key/1", &row)),
        Answer::Revoked(KeyRow { name, .. }) => {
            out.say(&format!("Kunci {name} tidak berlaku lagi"), &format!("The key of {name} does not hold any more"));
        }
    }
    Ok(Exit::Done)
}
