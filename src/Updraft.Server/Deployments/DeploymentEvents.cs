using Updraft.Protocol;
using Updraft.Server.Events;

namespace Updraft.Server.Deployments;

internal static class DeploymentEvents
{
    /// <summary>The Deployment as the place of an event.</summary>
    public static EventPlace Place(this Deployment deployment, DeployId? deploy = null) =>
        new(deployment.OrganizationId, deployment.WorkspaceId, deployment.Id, deploy);

    /// <summary>The Deployment as what an event tells of.</summary>
    public static EventTarget Target(this Deployment deployment) => new("deployment", deployment.Id.Value, deployment.Name);
}
