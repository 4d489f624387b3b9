//! The actions of consumers and of people, and the passing of time.

use jiff::SignedDuration;
use local::world::{NewEndpoint, OrganizationAccount};
use warden::decision::grant::{Grant, Grantee};

use crate::{NewRequest, PROVIDER, TestEnvironment, event};

impl TestEnvironment {
    /// A consumer creates an endpoint for the Redis service.
    pub fn request(&self, account: &str) -> NewRequest {
        let name = format!("com.amazonaws.vpce.us-east-1.{}", self.service);
        let (endpoint, effects) = self.aws.world().create_endpoint(account, &name, NewEndpoint::default()).unwrap();
        let [notification, trail] = &effects[..] else { panic!("a notification and a CloudTrail event: {effects:?}") };
        NewRequest { endpoint: endpoint.id, notification: event(notification), trail: event(trail) }
    }

    /// A person accepts a request in EC2, without the warden.
    pub fn accept_manually(&self, endpoint: &str) {
        self.aws.world().accept(PROVIDER, &self.service, &[endpoint.to_owned()]).unwrap();
    }

    pub fn tag(&self, key: &str, value: &str) {
        self.aws.world().create_tags(PROVIDER, std::slice::from_ref(&self.service), &[(key.to_owned(), value.to_owned())]).unwrap();
    }

    /// Permits a principal to request the Redis service.
    pub fn permit(&self, principal: &str) {
        self.aws.world().modify_permissions(PROVIDER, &self.service, &[principal.to_owned()], &[]).unwrap();
    }

    pub fn withdraw(&self, principal: &str) {
        self.aws.world().modify_permissions(PROVIDER, &self.service, &[], &[principal.to_owned()]).unwrap();
    }

    /// Puts an account into the organization, in a state and below these units.
    pub fn enrol(&self, account: &str, state: &str, units: &str) {
        let path = format!("o-a1b2c3d4e5/r-ab12/{units}/{account}/");
        self.aws.world().organization.put(account, OrganizationAccount { name: "team".to_owned(), state: state.to_owned(), path });
    }

    pub fn grant_account(&self, account: &str) {
        self.grant(Grantee::Account(account.parse().unwrap()), None);
    }

    pub fn grant_endpoint(&self, endpoint: &str) {
        self.grant(Grantee::Endpoint(endpoint.parse().unwrap()), None);
    }

    /// A person grants access, perhaps for a time.
    pub fn grant(&self, to: Grantee, time: Option<SignedDuration>) {
        let at = self.aws.world().now();
        self.ledger.grant(Grant {
            schema: 1,
            service: self.service.parse().unwrap(),
            to,
            by: "arn:aws:sts::123456789012:assumed-role/network/kim".to_owned(),
            reason: "migration weekend".to_owned(),
            at,
            until: time.map(|time| at + time),
        });
    }

    pub fn pass(&self, time: SignedDuration) {
        let mut world = self.aws.world();
        let now = world.now() + time;
        world.set_now(now);
    }
}
