//! What a policy set could ever accept, asked without a request: for permissions that lead nowhere, accounts that
//! cannot ask, and rules that nobody uses.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ActionConstraint, Authorizer, Decision, Effect, Entities, Entity, EntityUid, Request, Schema};
use jiff::Timestamp;

use crate::policy::{PolicySet, UnknownFact, request};
use crate::{
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        ids::{AccountId, EndpointId},
        organization::Membership,
        service::Service,
    },
    policy::evaluation::{Evaluation, evaluate},
};

/// Somebody who might ask.
#[derive(Debug, Clone, Copy)]
pub enum PossibleRequester<'a> {
    /// An account.
    Account(&'a AccountId),
    /// An account that no policy and no group names.
    Stranger,
    /// An account in an organizational unit, of which nothing else is known.
    MemberOf(&'a str),
}

impl PolicySet {
    /// Whether there is any endpoint, moment and number of connections for which this asker might be accepted. Errs on
    /// the side of yes.
    #[must_use]
    pub fn could_accept(&self, asker: PossibleRequester<'_>, service: &Service) -> bool {
        let unsure = self.residuals.loosened_permits(UnknownFact::Organization);
        self.partial(&self.set, asker, service).unwrap_or(true)
            // What the organization would say is not known here, so what asks for it might let an account in. Nor is it known
            // which units lie within which.
            || self.partial(&unsure, asker, service).unwrap_or(true)
    }

    fn partial(&self, set: &cedar_policy::PolicySet, asker: PossibleRequester<'_>, service: &Service) -> Option<bool> {
        let nobody: AccountId = self.unnamed()?;
        let (account, parents) = match asker {
            PossibleRequester::Account(account) => {
                (account, self.groups.of(account).iter().map(|name| group(name)).collect::<Result<_, _>>())
            }
            PossibleRequester::Stranger => (&nobody, Ok(std::collections::HashSet::new())),
            PossibleRequester::MemberOf(unit) => (&nobody, request::uid("PrivateLink::OrganizationalUnit", unit).map(|unit| [unit].into())),
        };
        let principal = request::uid("PrivateLink::Account", account.as_str()).ok()?;
        let resource = request::uid("PrivateLink::EndpointService", service.id.as_str()).ok()?;
        let action = request::uid("PrivateLink::Action", "Accept").ok()?;
        let entities = [Entity::new_no_attrs(principal.clone(), parents.ok()?), request::service(resource.clone(), service).ok()?];
        let entities = Entities::from_entities(entities, Some(&self.schema)).ok()?;
        // Without a context: everything in it is unknown.
        let asked = Request::builder().principal(principal).action(action).resource(resource).build();
        Some(Authorizer::new().is_authorized_partial(&asked, set, &entities).decision() != Some(Decision::Deny))
    }

    /// The accounts that policies or groups name and that could be accepted for being named.
    #[must_use]
    pub fn named_accounts(&self, service: &Service) -> Vec<AccountId> {
        let could = |account: &AccountId| self.partial(&self.set, PossibleRequester::Account(account), service).unwrap_or(false);
        self.all_named().into_iter().filter(could).collect()
    }

    fn all_named(&self) -> BTreeSet<AccountId> {
        let literal = self.literal("Account");
        self.groups.accounts().cloned().chain(literal.iter().filter_map(|id| id.parse().ok())).collect()
    }

    /// The named accounts whose first plain request would be accepted now.
    #[must_use]
    pub fn accepts_at_once(&self, service: &Service, now: Timestamp) -> Vec<AccountId> {
        // Accounts of the same groups that no policy names are all answered alike: one of them is asked for all.
        let mut alike: BTreeMap<(&[String], Option<&AccountId>), bool> = BTreeMap::new();
        let literal = self.literal("Account");
        let all = self.all_named();
        let mut accepted = Vec::new();
        for account in &all {
            let class = (self.groups.of(account), literal.contains(account.as_str()).then_some(account));
            if *alike.entry(class).or_insert_with(|| self.accepts_plainly(account, service, now)) {
                accepted.push(account.clone());
            }
        }
        accepted
    }

    fn accepts_plainly(&self, account: &AccountId, service: &Service, now: Timestamp) -> bool {
        // An id that no real endpoint has, and thus no policy names.
        let Ok(endpoint) = "vpce-00000000000000000".parse::<EndpointId>() else { return false };
        let connection = Connection {
            service: service.id.clone(),
            endpoint,
            owner: Some(account.clone()),
            state: State::PendingAcceptance,
            created: Some(now),
            region: Some(service.region.clone()),
            ip_address_type: Some("ipv4".to_owned()),
        };
        let facts =
            Facts { service: service.clone(), connection, counts: Counts::default(), membership: Membership::Outside, claim: None, now };
        self.judge(&facts).is_ok_and(|judgement| evaluate(&judgement) == Evaluation::Accept)
    }

    /// The ids of the permits that can let somebody in.
    pub fn accepting_permits(&self) -> impl Iterator<Item = &str> {
        let opens = |policy: &&cedar_policy::Policy| {
            policy.effect() == Effect::Permit
                && match policy.action_constraint() {
                    ActionConstraint::Any => true,
                    ActionConstraint::Eq(action) => is_accept(&action),
                    ActionConstraint::In(actions) => actions.iter().any(is_accept),
                }
        };
        self.set.policies().filter(opens).map(|policy| AsRef::<str>::as_ref(policy.id()))
    }

    /// The groups that exist to let somebody in: those that no other kind of policy names. A list of whom to turn away
    /// does its work when nobody on it comes.
    #[must_use]
    pub fn accepting_groups(&self) -> Vec<&str> {
        let doors: BTreeSet<&str> = self.accepting_permits().collect();
        let others = self.set.policies().filter(|policy| !doors.contains(AsRef::<str>::as_ref(policy.id())));
        let shunned: BTreeSet<String> = literals(others, "AccountGroup").collect();
        self.groups.names().filter(|name| !shunned.contains(*name)).collect()
    }

    /// The set and its schema in Cedar's own terms, for Cedar's own tools.
    #[must_use]
    pub fn cedar(&self) -> (&cedar_policy::PolicySet, &Schema) {
        (&self.set, &self.schema)
    }

    /// The set as it stands while some facts are not known: the policies that do not ask for them, and looser copies of
    /// those that do, which could have matched. Nothing, where one of those has no looser copy.
    #[must_use]
    pub fn parts(&self, unknown: &BTreeSet<UnknownFact>) -> Option<(Vec<cedar_policy::Policy>, Vec<cedar_policy::Policy>)> {
        self.residuals.split(&self.set, unknown)
    }

    /// The facts that its policies ask for and that may not be known.
    #[must_use]
    pub fn open_facts(&self) -> BTreeSet<UnknownFact> {
        [UnknownFact::Organization, UnknownFact::Requester].into_iter().filter(|fact| self.residuals.ask_for(*fact)).collect()
    }

    /// The groups with their accounts, by name.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, BTreeSet<&AccountId>> {
        let mut groups: BTreeMap<&str, BTreeSet<&AccountId>> = self.groups.names().map(|name| (name, BTreeSet::new())).collect();
        for account in self.groups.accounts() {
            for name in self.groups.of(account) {
                groups.entry(name).or_default().insert(account);
            }
        }
        groups
    }

    /// The services that policies name.
    #[must_use]
    pub fn services(&self) -> BTreeSet<String> {
        self.literal("EndpointService")
    }

    /// The groups an account is in.
    #[must_use]
    pub fn groups_of(&self, account: &AccountId) -> &[String] {
        self.groups.of(account)
    }

    /// The ids of one kind of entity that the policies spell out.
    fn literal(&self, kind: &str) -> BTreeSet<String> {
        literals(self.set.policies(), kind).collect()
    }

    /// An account id that nobody mentions.
    fn unnamed(&self) -> Option<AccountId> {
        let literal = self.literal("Account");
        let free = |account: &AccountId| !literal.contains(account.as_str()) && self.groups.of(account).is_empty();
        (0..1_000_000_u32).filter_map(|number| format!("{number:012}").parse().ok()).find(free)
    }
}

fn literals<'a>(policies: impl Iterator<Item = &'a cedar_policy::Policy>, kind: &str) -> impl Iterator<Item = String> {
    let uids = policies.flat_map(cedar_policy::Policy::entity_literals);
    uids.filter(move |uid| uid.type_name().basename() == kind).map(|uid| AsRef::<str>::as_ref(uid.id()).to_owned())
}

fn group(name: &str) -> Result<EntityUid, String> {
    request::uid("PrivateLink::AccountGroup", name)
}

fn is_accept(action: &EntityUid) -> bool {
    AsRef::<str>::as_ref(action.id()) == "Accept"
}
