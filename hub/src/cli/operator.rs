//! `operator …`: the people at the console.

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::{OperatorCommand, RoleArg};
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::account::{Answer, Invited, List, Request, Row};
use crate::service::{self, Request as Asked};
use crate::store::Role;

pub(super) fn run(context: &Context<'_>, command: &OperatorCommand) -> Result<Exit, Failure> {
    let request = match command.clone() {
        OperatorCommand::List => Request::List,
        OperatorCommand::Add { name, full_name, role } => Request::Add { name, full_name, role: wanted(role) },
        OperatorCommand::Role { name, role } => Request::Role { name, role: wanted(role) },
        OperatorCommand::Reset { name } => Request::Reset { name },
        OperatorCommand::Lock { name } => Request::Bar { name, barred: true },
        OperatorCommand::Unlock { name } => Request::Bar { name, barred: false },
    };
    let service::Answer::Account(answer) = ask(context, Asked::Account(request))? else { return Err(unexpected()) };
    let out = context.out;
    match &answer {
        Answer::List(list) if out.json => out.document(&document("kentongan.hub.operators/1", list)),
        Answer::List(list) => show_list(out, list),
        Answer::Invited(invited) if out.json => out.document(&document("kentongan.hub.invitation/1", invited)),
        Answer::Invited(invited) => show_invited(out, invited),
        Answer::Changed(row) if out.json => out.document(&document("kentongan.hub.operator/1", row)),
        Answer::Changed(row) => show_list(out, &List { people: vec![row.clone()] }),
    }
    Ok(Exit::Done)
}

fn wanted(role: RoleArg) -> Role {
    match role {
        RoleArg::Viewer => Role::Viewer,
        RoleArg::Operator => Role::Operator,
        RoleArg::Case => Role::Case,
        RoleArg::Admin => Role::Admin,
    }
}

fn show_invited(out: &Output, invited: &Invited) {
    let Invited { name, code, until, .. } = invited;
    let until = words::time(out, *until);
    out.line(&match out.lang {
        Lang::Id => format!("Undangan untuk {name}: {code}, sampai {until}"),
        Lang::En => format!("Invitation for {name}: {code}, until {until}"),
    });
    out.say(
        "Berikan langsung kepada orangnya; dipakai sekali di halaman /masuk/undangan konsol.",
        "Give it to the person directly; it is used once, on the console's page /masuk/undangan.",
    );
}

fn show_list(out: &Output, list: &List) {
    let mut table = Table::new(match out.lang {
        Lang::Id => ["NAMA", "NAMA LENGKAP", "PERAN", "KEADAAN", "LANGKAH KEDUA", "TERAKHIR"],
        Lang::En => ["NAME", "FULL NAME", "ROLE", "STATE", "SECOND FACTOR", "LAST SEEN"],
    });
    for person in &list.people {
        table.row([
            person.name.clone(),
            person.full_name.clone(),
            person.role.code().to_owned(),
            state(out, person).to_owned(),
            if person.has_second { out.pick("ya", "yes") } else { out.pick("tidak", "no") }.to_owned(),
            words::time_or_dash(out, person.seen_at),
        ]);
    }
    out.table(&table);
}

fn state(out: &Output, person: &Row) -> &'static str {
    match person {
        Row { barred_at: Some(_), .. } => out.pick("ditutup", "barred"),
        Row { has_password: true, .. } => out.pick("aktif", "active"),
        _ => out.pick("diundang", "invited"),
    }
}
