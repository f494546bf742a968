using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Uploads;

namespace Updraft.Server.Deploys;

/// <summary>Converts the rows of a deploy to the response for one caller.</summary>
internal sealed class DescribeDeploy(SignedUploadUrl uploadUrl, IOptions<RuntimeOptions> runtimes)
{
    /// <param name="subject">The caller.</param>
    /// <param name="workspace">The Workspace of the Deployment; read only if the deploy accepts an upload.</param>
    /// <param name="row">The deploy.</param>
    /// <param name="running">The version that agents report, by path below the agent's root.</param>
    public DeployResponse Run(Subject subject, WorkspaceId workspace, DeployWithRevision row, IReadOnlyDictionary<string, string> running)
    {
        // The upload URL is a permission in itself, so callers that may only read do not get it.
        var deploy = row.Deploy;
        var url = deploy.OpenUpload is { } purpose && subject.May(Permission.CreateDeploys, workspace, deploy.DeploymentId)
            ? uploadUrl.Create(deploy.DeploymentId, deploy.Id, purpose)
            : null;
        return row.ToResponse(runtimes.Value, running, url);
    }
}
