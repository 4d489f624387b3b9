//! The consumer's VPC endpoints. Creating one requests a connection to the service.

use super::{
    cloudtrail,
    error::{Changes, Ec2Error, Ec2Result, change_each},
    model::{Connection, Effect, Endpoint, NewEndpoint, Tags},
    state::World,
};

impl World {
    /// Creates an endpoint and its connection; `InvalidServiceName` without a permission for the account.
    pub fn create_endpoint(&mut self, account: &str, service_name: &str, new: NewEndpoint) -> Ec2Result<(Endpoint, Vec<Effect>)> {
        let service = self.visible_service(account, service_name)?.clone();
        let (id, connection_id) = (self.id("vpce-"), self.id("vpce-con-"));
        let region = new.region.unwrap_or_else(|| self.region.clone());
        let endpoint = Endpoint {
            id: id.clone(),
            owner: account.to_owned(),
            service_name: service.name,
            kind: service.kind,
            vpc_id: new.vpc_id,
            subnet_ids: new.subnet_ids,
            tags: new.tags,
            created: self.now,
        };
        let connection = Connection {
            service_id: service.id.clone(),
            endpoint_id: id.clone(),
            attachment: None,
            connection_id,
            owner: Some(account.to_owned()),
            state: if service.acceptance_required { "pendingAcceptance" } else { "pending" }.to_owned(),
            created: Some(self.now),
            region: Some(region.clone()),
            ip_address_type: Some("ipv4".to_owned()),
            load_balancer_arns: service.load_balancer_arns,
            tags: Tags::new(),
            listed_from: self.now + self.visibility_delay,
            state_since: self.now,
        };
        let mut effects = self.notify(&service.id, &id, "Connect");
        let event_detail = cloudtrail::create_vpc_endpoint(&endpoint, &connection.state, &region);
        effects.push(Effect::CloudTrail { account: account.to_owned(), event_detail, region });
        self.insert(connection);
        self.endpoints.insert(id, endpoint.clone());
        Ok((endpoint, effects))
    }

    /// Describes the account's endpoints, each with the state of its connection.
    pub fn describe_endpoints(&self, account: &str, ids: &[String]) -> Ec2Result<Vec<(Endpoint, String)>> {
        ids.iter().try_for_each(|id| self.owned_endpoint(account, id).map(drop))?;
        let chosen = self.endpoints.values().filter(|endpoint| endpoint.owner == account && (ids.is_empty() || ids.contains(&endpoint.id)));
        let state = |id: &str| self.connections.get(id).map_or("deleted", |connection| &connection.state).to_owned();
        Ok(chosen.map(|endpoint| (endpoint.clone(), state(&endpoint.id))).collect())
    }

    /// Deletes endpoints.
    pub fn delete_endpoints(&mut self, account: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| {
            self.owned_endpoint(account, id)?;
            let connection = self.connections.get(id).ok_or_else(|| Ec2Error::endpoint_not_found(id))?;
            let service_id = connection.service_id.clone();
            self.enter_state(id, "deleting");
            Ok(self.notify(&service_id, id, "Delete"))
        })
    }
}
