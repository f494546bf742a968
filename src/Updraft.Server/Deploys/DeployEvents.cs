using System.Globalization;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

internal static class DeployEvents
{
    /// <summary>
    /// Records an event of a deploy. The details are enough for readers who see only the event, such as receivers of webhooks.
    /// </summary>
    public static void Record(this EventLog events, string type, SubjectProfile by, Deployment deployment, Deploy deploy) => events.Record(
        type, by, deployment.Scope(deploy.Id), new("deploy", deploy.Id.Value, $"{deployment.Name} #{Text(deploy.Number)}"),
        ("deploymentName", deployment.Name),
        ("number", Text(deploy.Number)),
        ("type", deploy.Type.Name()),
        ("description", deploy.Description),
        ("revision", deploy.Revision is { } revision ? Text(revision) : null),
        ("version", string.IsNullOrEmpty(deploy.FinalizedVersion) ? null : deploy.FinalizedVersion),
        ("imageTag", deploy.ImageTag is "" ? null : deploy.ImageTag),
        ("dagBundleName", deploy.DagBundleName),
        ("bundleMountPath", deploy.BundleMountPath),
        ("rollbackFromId", deploy.RollbackFromId?.Value),
        ("reason", deploy.StatusReason),
        ("createdBy", deploy.CreatedBy.Name),
        ("commitSha", deploy.Git?.CommitSha),
        ("commitUrl", deploy.Git?.CommitUrl),
        ("branch", deploy.Git?.Branch));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
