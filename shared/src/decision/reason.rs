//! The reason of a decision as one clause, for tables and messages.

use crate::{
    decision::{
        action::{Action, Decision, NoAction},
        grant::Grant,
        people::Refusal,
    },
    model::printable::printable,
    policy::{Answer, Detail, PolicyInfo, QUOTE_CHARACTERS_MAX, policy_names},
};

impl Decision {
    /// Returns the reason as a clause: "granted by PERSON: REASON", the determining policies, or [`Refer::clause`].
    ///
    /// [`Refer::clause`]: crate::policy::evaluation::Refer::clause
    #[must_use]
    pub fn clause(&self, detail: Detail<'_>) -> String {
        let judgement = self.grounds.judgement.as_ref();
        let names = |answer: Option<&Answer>| policy_names(answer.map_or(&[] as &[PolicyInfo], |answer| &answer.policies), detail);
        match (&self.action, &self.grounds.grant, &self.grounds.refusal) {
            (Action::Accept(_), Some(grant), _) => grant.clause(),
            (Action::Accept(_), None, _) => names(judgement.map(|judgement| &judgement.accept)),
            (Action::Reject(_), _, Some(refusal)) => refusal.clause(),
            (Action::Reject(_), _, None) => names(judgement.map(|judgement| &judgement.reject)),
            (Action::Refer(refer), _, _) => refer.clause(judgement, detail),
            (Action::NoAction(NoAction::Live), _, _) => "it is connected already".to_owned(),
            (Action::NoAction(NoAction::Gone), _, _) => "it is no longer pending".to_owned(),
        }
    }
}

impl Grant {
    /// Returns the grant as a clause: "granted by PERSON until TIME: REASON".
    #[must_use]
    pub fn clause(&self) -> String {
        let until = self.until.map(|until| until.strftime(" until %Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
        format!("granted by {}{until}: {}", printable(&self.by, 200), printable(&self.reason, QUOTE_CHARACTERS_MAX))
    }
}

impl Refusal {
    /// Returns the refusal as a clause: "refused by PERSON: REASON".
    #[must_use]
    pub fn clause(&self) -> String {
        format!("refused by {}: {}", printable(&self.by, 200), printable(&self.reason, QUOTE_CHARACTERS_MAX))
    }
}
