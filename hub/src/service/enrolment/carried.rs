//! A request that came as a file, and the answer that goes back as one ([`kentongan_host::enrolment::carried`]).

use kentongan_host::enrolment::{EnrolRequest, from_hex};
use kentongan_host::spoken::five_words;
use kentongan_host::{Failure, Ktg};

use super::{Admitted, Asking, Refusal, cleared, join, judge, secret_hash, short};
use crate::ca::key_of_request;
use crate::service::Desk;
use crate::store::Tx;

/// Who asks, if the code would let them in. The first PC that shows a code which asks is noted, as over a connection.
pub(super) fn look(tx: &mut dyn Tx, desk: &Desk, request: &EnrolRequest) -> Result<Asking, Failure> {
    let waits = match cleared(tx, desk, request)? {
        Ok(_) => false,
        Err(Refusal::ApprovalAwaited) => true,
        Err(refusal) => return Err(refusal.failure()),
    };
    let code = tx.enrol_code_by_secret(&secret_hash(&request.secret))?;
    let code = code.ok_or_else(|| Refusal::Unknown.failure())?;
    Ok(Asking {
        number: code.id,
        office: code.office.to_string(),
        office_name: tx.office(&code.office)?.map(|office| office.name).unwrap_or_default(),
        host: short(&request.host),
        program: short(&request.program),
        words: words_of(request),
        waits,
    })
}

/// Lets the PC in and writes its answer. The same request gets an answer again, in case a file is lost on the way.
pub(super) fn admit(tx: &mut dyn Tx, desk: &Desk, request: &EnrolRequest, approved: bool) -> Result<Admitted, Failure> {
    let asking = look(tx, desk, request)?;
    if asking.waits {
        if !approved {
            return Err(Failure::of(Ktg::ApprovalAwaited).with_detail(asking.words));
        }
        judge(tx, desk, asking.number, true)?;
    }
    let answer = join(tx, desk, request)?.map_err(Refusal::failure)?;
    let file = desk.authority().answer_file(&answer);
    Ok(Admitted { replica: answer.replica, office: answer.office, office_name: answer.office_name, file })
}

fn words_of(request: &EnrolRequest) -> String {
    let key = from_hex(&request.csr).and_then(|csr| key_of_request(&csr));
    key.map(|key| five_words(&key)).unwrap_or_default()
}
