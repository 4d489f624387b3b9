//! One service's door: who may ask, whether anybody is asked at all, and whether we hear of it.

use jiff::Timestamp;

use crate::{
    audit::thresholds::Thresholds,
    ledger::finding::{Finding, FindingKind, FindingSubject},
    model::severity::Severity,
};
use crate::{
    model::{
        ids::{AccountId, TopicArn},
        notification::ConnectionNotification,
        principal::{AllowedPrincipal, Principal},
        service::{ServiceConfiguration, ServiceKind},
    },
    policy::PolicySet,
};

/// Accounts of one service that are told as unable to ask. Beyond it the permissions are missing as a whole.
const CANNOT_ASK_MAX: usize = 100;

/// What was seen of a service's door; `None` is what could not be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Exposure<'a> {
    /// Its allowed principals.
    pub permissions: Option<&'a [AllowedPrincipal]>,
    /// The subscriptions to its connection events.
    pub subscriptions: Option<&'a [ConnectionNotification]>,
}

/// Looks at one service. The second value is how many accounts that cannot ask were left out.
#[must_use]
pub fn inspect_service(
    terms: &Thresholds,
    policy: &PolicySet,
    offer: &ServiceConfiguration,
    door: Exposure<'_>,
    now: Timestamp,
) -> (Vec<Finding>, usize) {
    let look = Look { terms, policy, offer };
    let mut findings: Vec<Finding> = look.open_door(door.permissions).into_iter().collect();
    let mut left_out = 0;
    if let Some(permissions) = door.permissions {
        findings.extend(permissions.iter().filter_map(|permission| look.wide(permission)));
        let cannot = look.cannot_ask(permissions, now);
        left_out = cannot.len().saturating_sub(CANNOT_ASK_MAX);
        findings.extend(cannot.iter().take(CANNOT_ASK_MAX).map(|account| look.may_not_ask(account)));
    }
    findings.extend(door.subscriptions.and_then(|subscriptions| look.silent(subscriptions)));
    (findings, left_out)
}

struct Look<'a> {
    terms: &'a Thresholds,
    policy: &'a PolicySet,
    offer: &'a ServiceConfiguration,
}

impl Look<'_> {
    fn service(&self) -> FindingSubject {
        FindingSubject::Service { service: self.offer.service.id.clone() }
    }

    fn open_door(&self, permissions: Option<&[AllowedPrincipal]>) -> Option<Finding> {
        if self.offer.service.acceptance_required {
            return None;
        }
        let anyone = permissions.is_some_and(|all| all.iter().any(|permission| permission.who == Principal::Anyone));
        let (severity, who) =
            if anyone { (Severity::Critical, "Every AWS account there is") } else { (Severity::Warning, "Everybody who may ask") };
        let what = format!("{who} is connected at once: the service does not require acceptance, so no policy is asked.");
        let (region, id) = (&self.terms.region, &self.offer.service.id);
        let finding = Finding::new(FindingKind::OpenDoor, severity, self.service(), what)
            .at(&self.offer.service)
            .shown("acceptance required", "false");
        Some(finding.command(
            "Require acceptance again (what is connected stays connected)",
            format!("aws ec2 modify-vpc-endpoint-service-configuration --region {region} --service-id {id} --acceptance-required"),
        ))
    }

    fn wide(&self, permission: &AllowedPrincipal) -> Option<Finding> {
        if !permission.leads_nowhere(self.policy, &self.offer.service) {
            return None;
        }
        let (severity, who) = match &permission.who {
            Principal::Anyone => (Severity::Warning, "Every AWS account".to_owned()),
            Principal::Account { account, bare: false } => (Severity::Info, format!("Account {account}")),
            Principal::Account { account, bare: true } => (Severity::Info, format!("Account {account}, written as a bare id,")),
            Principal::User { account } => (Severity::Info, format!("A user of account {account}")),
            Principal::Role { account } => (Severity::Info, format!("A role of account {account}")),
            Principal::Unit { unit } => (Severity::Info, format!("Every account in {unit}")),
            Principal::Unknown { .. } => return None,
        };
        let id = &self.offer.service.id;
        let subject = FindingSubject::Principal { service: id.clone(), principal: permission.text.clone() };
        let what = match &permission.who {
            Principal::Anyone | Principal::Unit { .. } => {
                format!("{who} may ask for a connection, and the policy accepts none of them but those it names.")
            }
            _ => format!("{who} may ask for a connection, and the policy could never accept it."),
        };
        let finding = Finding::new(FindingKind::WidePermission, severity, subject, what)
            .at(&self.offer.service)
            .concerning(permission.who.account())
            .shown("principal", &permission.text)
            .advise("Name the account in the policy, or take the permission away");
        let region = &self.terms.region;
        // A principal of another form than these is not put into a command that people paste.
        let plain = permission.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*:/+=,.@_-".contains(&b));
        Some(if plain {
            let command = format!(
                "aws ec2 modify-vpc-endpoint-service-permissions --region {region} --service-id {id} --remove-allowed-principals '{}'",
                permission.text
            );
            finding.command("Take the permission away (what is connected stays connected)", command)
        } else {
            finding
        })
    }

    /// Accounts that the policy would accept and that nothing lets ask. A permission that depends on an organization
    /// may let them, so then nothing is said.
    fn cannot_ask(&self, permissions: &[AllowedPrincipal], now: Timestamp) -> Vec<AccountId> {
        // A provider needs no permission for its own service.
        let own: Vec<AccountId> = self.terms.topics.iter().filter_map(TopicArn::account).collect();
        let shut = |account: &AccountId| {
            !own.contains(account) && permissions.iter().all(|permission| permission.who.lets_ask(account) == Some(false))
        };
        self.policy.accepts_at_once(&self.offer.service, now).into_iter().filter(shut).collect()
    }

    fn may_not_ask(&self, account: &AccountId) -> Finding {
        let id = &self.offer.service.id;
        let region = &self.terms.region;
        let partition = region.partition();
        let what = format!(
            "The policy accepts account {account}, and no permission of the service lets it ask: to it, the service does not exist."
        );
        Finding::new(FindingKind::CannotAsk, Severity::Warning, FindingSubject::Asker { service: id.clone(), account: account.clone() }, what)
            .at(&self.offer.service).concerning(Some(account))
            .shown("groups", self.policy.groups_of(account).join(", "))
            .command(
                "Let it ask",
                format!(
                    "aws ec2 modify-vpc-endpoint-service-permissions --region {region} --service-id {id} --add-allowed-principals arn:{partition}:iam::{account}:root"
                ),
            )
            .advise("Or take it out of the policy")
    }

    /// Without knowing which topic is ours, nothing is said. A Gateway Load Balancer service has no notifications at all, by AWS's design.
    fn silent(&self, subscriptions: &[ConnectionNotification]) -> Option<Finding> {
        let service = &self.offer.service;
        if service.kind != ServiceKind::Interface || !service.acceptance_required || self.terms.topics.is_empty() {
            return None;
        }
        let ours = |topic: &str| self.terms.topics.iter().any(|own| own.as_str() == topic);
        let of_service = || subscriptions.iter().filter(|subscription| subscription.service == service.id);
        let heard = |subscription: &ConnectionNotification| {
            subscription.enabled && ours(&subscription.topic) && subscription.events.iter().any(|event| event == "Connect")
        };
        if of_service().any(heard) {
            return None;
        }
        let elsewhere: Vec<&str> = of_service().map(|subscription| subscription.topic.as_str()).collect();
        let what = "No enabled connection notification goes to the warden's topic: each request waits for the next sweep.".to_owned();
        let mut finding = Finding::new(FindingKind::SilentService, Severity::Warning, self.service(), what)
            .at(&self.offer.service)
            .shown("notifications", if elsewhere.is_empty() { "none".to_owned() } else { elsewhere.join(", ") });
        if let Some(topic) = self.terms.topics.first() {
            let (region, id) = (&self.terms.region, &service.id);
            finding = finding.command(
                "Announce its requests",
                format!(
                    "aws ec2 create-vpc-endpoint-connection-notification --region {region} --service-id {id} --connection-notification-arn {topic} --connection-events Connect Accept Reject Delete"
                ),
            );
        }
        Some(finding)
    }
}
