//! Questions about a policy set without a concrete request: for permissions that no policy uses, accounts that lack a
//! permission, and unused policies.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use cedar_policy::{
    ActionConstraint, Authorizer, Decision, Effect, Entities, Entity, EntityUid, Policy, PolicySet as CedarPolicySet, Request, Schema,
};
use jiff::Timestamp;

use crate::{
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        ids::AccountId,
        organization::Membership,
        service::Service,
        subject::SubjectKind,
    },
    policy::{
        cedar_request::{attributes, service as service_entity, uid},
        facts::UnknownFact,
        judgement::Judgement,
        kinds::{KindSets, Kinds},
        names::{GroupName, PolicyId},
        set::PolicySet,
    },
};

/// A requester without a concrete request.
#[derive(Debug, Clone, Copy)]
pub enum PossibleRequester<'a> {
    /// An account.
    Account(&'a AccountId),
    /// An account that no policy and no group names.
    Unlisted,
    /// An account in an organizational unit.
    MemberOf(&'a str),
}

impl PolicySet {
    /// Returns false only if the set accepts this requester for no endpoint or attachment, time and number of connections.
    #[must_use]
    pub fn could_accept(&self, requester: PossibleRequester<'_>, service: &Service, kind: SubjectKind) -> bool {
        let Some(KindSets { whole, reads_organization }) = self.kinds().sets(kind) else { return true };
        [whole, reads_organization].into_iter().any(|permits| self.partially(permits, whole, requester, service).unwrap_or(true))
    }

    /// Returns true if any policy names attachments.
    #[must_use]
    pub fn names_attachments(&self) -> bool {
        self.kinds().name_attachments()
    }

    fn kinds(&self) -> &Kinds {
        self.kinds.get_or_init(|| Kinds::of(&self.set, &self.residuals))
    }

    /// Evaluates permits partially: nothing in the context is known. Returns false if they do not accept the requester, or if the set
    /// rejects it at the same time: such a request is referred. Returns `None` if Cedar refuses the question.
    fn partially(
        &self,
        permits: &CedarPolicySet,
        set: &CedarPolicySet,
        requester: PossibleRequester<'_>,
        service: &Service,
    ) -> Option<bool> {
        let unlisted: AccountId = self.unlisted()?;
        let (account, parents) = match requester {
            PossibleRequester::Account(account) => (account, self.groups.of(account).iter().map(group).collect::<Result<_, _>>()),
            PossibleRequester::Unlisted => (&unlisted, Ok(HashSet::new())),
            PossibleRequester::MemberOf(unit) => (&unlisted, uid("OrganizationalUnit", unit).map(|unit| [unit].into())),
        };
        let principal = uid("Account", account.as_str()).ok()?;
        let resource = uid("EndpointService", service.id.as_str()).ok()?;
        let attributes = attributes("resource", &plain_request(account, service, SubjectKind::Endpoint, Timestamp::UNIX_EPOCH)?);
        let entities =
            [Entity::new_no_attrs(principal.clone(), parents.ok()?), service_entity(resource.clone(), service, attributes).ok()?];
        let entities = Entities::from_entities(entities, Some(&self.schema)).ok()?;
        let decide = |action: &str, set: &CedarPolicySet| {
            let request = Request::builder().principal(principal.clone()).action(uid("Action", action).ok()?).resource(resource.clone());
            Some(Authorizer::new().is_authorized_partial(&request.build(), set, &entities).decision())
        };
        Some(decide("Accept", permits)? != Some(Decision::Deny) && decide("Reject", set)? != Some(Decision::Allow))
    }

    /// Returns the named accounts whose first request of a kind the set could accept now.
    #[must_use]
    pub fn named_accounts(&self, service: &Service, kind: SubjectKind, now: Timestamp) -> Vec<AccountId> {
        // Accounts of the same groups that no policy names get the same answer: one of them is evaluated for all.
        let mut by_class: BTreeMap<(&[GroupName], Option<&AccountId>), bool> = BTreeMap::new();
        let literal = self.literal("Account");
        let all = self.all_named();
        let mut accepted = Vec::new();
        for account in &all {
            let class = (self.groups.of(account), literal.contains(account.as_str()).then_some(account));
            if *by_class.entry(class).or_insert_with(|| self.could_accept_first(account, service, kind, now)) {
                accepted.push(account.clone());
            }
        }
        accepted
    }

    /// Returns true if the first request of an account could be accepted, from some Region, over some address type, by some role.
    fn could_accept_first(&self, account: &AccountId, service: &Service, kind: SubjectKind, now: Timestamp) -> bool {
        let plain = plain_request(account, service, kind, now);
        let judgement = plain.and_then(|facts| {
            let connection = Connection { region: None, ip_address_type: None, ..facts.connection.clone() };
            self.judge(&Facts { connection, ..facts }).ok()
        });
        judgement.is_some_and(|Judgement { accept, reject, .. }| {
            (accept.allowed || !accept.residual.is_empty()) && accept.errors.is_empty() && !reject.allowed
        })
    }

    fn all_named(&self) -> BTreeSet<AccountId> {
        let literal = self.literal("Account");
        self.groups.accounts().cloned().chain(literal.iter().filter_map(|id| id.parse().ok())).collect()
    }

    /// Returns the permits that can accept a request.
    pub fn accepting_permits(&self) -> impl Iterator<Item = &PolicyId> {
        let accepts = |policy: &&Policy| {
            policy.effect() == Effect::Permit
                && match policy.action_constraint() {
                    ActionConstraint::Any => true,
                    ActionConstraint::Eq(action) => is_accept(&action),
                    ActionConstraint::In(actions) => actions.iter().any(is_accept),
                }
        };
        self.set.policies().filter(accepts).filter_map(|policy| self.known(policy))
    }

    /// Returns the groups that only accepting permits name. A group of blocked accounts is in use without any request.
    #[must_use]
    pub fn accepting_groups(&self) -> Vec<&GroupName> {
        let accepting: BTreeSet<&PolicyId> = self.accepting_permits().collect();
        let others = self.set.policies().filter(|policy| self.known(policy).is_some_and(|id| !accepting.contains(id)));
        let named_by_others: BTreeSet<String> = literals(others, "AccountGroup").collect();
        self.groups.names().filter(|name| !named_by_others.contains(name.as_str())).collect()
    }

    /// Returns the set and its schema in Cedar's types, for Cedar's tools.
    #[must_use]
    pub fn cedar(&self) -> (&CedarPolicySet, &Schema) {
        (&self.set, &self.schema)
    }

    /// Returns the set while some facts are unknown: the policies that do not read them, and relaxed copies of those that do.
    /// Returns `None` if a policy has no relaxed copy.
    #[must_use]
    pub fn parts(&self, unknown: &BTreeSet<UnknownFact>) -> Option<(Vec<Policy>, Vec<Policy>)> {
        self.residuals.split(&self.set, unknown)
    }

    /// Returns the facts that the policies read and that may be unknown.
    #[must_use]
    pub fn unknown_facts(&self) -> BTreeSet<UnknownFact> {
        UnknownFact::ALL.into_iter().filter(|fact| self.residuals.read(*fact)).collect()
    }

    /// Returns the groups with their accounts, by name.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, BTreeSet<&AccountId>> {
        let mut groups: BTreeMap<&str, BTreeSet<&AccountId>> = self.groups.names().map(|name| (name.as_str(), BTreeSet::new())).collect();
        for account in self.groups.accounts() {
            for name in self.groups.of(account) {
                groups.entry(name.as_str()).or_default().insert(account);
            }
        }
        groups
    }

    /// Returns the services that policies name.
    #[must_use]
    pub fn services(&self) -> BTreeSet<String> {
        self.literal("EndpointService")
    }

    /// Returns the groups of an account.
    #[must_use]
    pub fn groups_of(&self, account: &AccountId) -> &[GroupName] {
        self.groups.of(account)
    }

    fn known(&self, policy: &Policy) -> Option<&PolicyId> {
        self.policies.get_key_value(AsRef::<str>::as_ref(policy.id())).map(|(id, _)| id)
    }

    /// Returns the ids of one entity type that the policies name.
    fn literal(&self, kind: &str) -> BTreeSet<String> {
        literals(self.set.policies(), kind).collect()
    }

    /// Returns an account id that no policy and no group names.
    fn unlisted(&self) -> Option<AccountId> {
        let literal = self.literal("Account");
        let free = |account: &AccountId| !literal.contains(account.as_str()) && self.groups.of(account).is_empty();
        (0..1_000_000_u32).filter_map(|number| format!("{number:012}").parse().ok()).find(free)
    }
}

/// Returns the first request of an account outside the organization, for an endpoint or attachment that no policy names.
fn plain_request(account: &AccountId, service: &Service, kind: SubjectKind, now: Timestamp) -> Option<Facts> {
    let subject = match kind {
        SubjectKind::Endpoint => "vpce-00000000000000000",
        SubjectKind::Attachment => "tgw-attach-00000000000000000",
    };
    let connection = Connection {
        service: service.id.clone(),
        subject: subject.parse().ok()?,
        owner: Some(account.clone()),
        state: State::PendingAcceptance,
        created: Some(now),
        region: Some(service.region.clone()),
        ip_address_type: Some("ipv4".to_owned()),
        connected_in_part: false,
    };
    Some(Facts::described(service.clone(), connection, Counts::default(), now).with_membership(Membership::Outside))
}

fn literals<'a>(policies: impl Iterator<Item = &'a Policy>, kind: &str) -> impl Iterator<Item = String> {
    let uids = policies.flat_map(Policy::entity_literals);
    uids.filter(move |uid| uid.type_name().basename() == kind).map(|uid| AsRef::<str>::as_ref(uid.id()).to_owned())
}

fn group(name: &GroupName) -> Result<EntityUid, String> {
    uid("AccountGroup", name.as_str())
}

fn is_accept(action: &EntityUid) -> bool {
    AsRef::<str>::as_ref(action.id()) == "Accept"
}
