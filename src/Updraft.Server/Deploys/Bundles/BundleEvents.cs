using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

internal static class BundleEvents
{
    /// <summary>Records an event of a bundle.</summary>
    public static void Record(this EventLog events, string type, SubjectProfile by, Deployment deployment, Bundle bundle,
        DeployId? deploy = null, params IEnumerable<(string Name, string? Value)> details) =>
        events.Record(type, by, deployment.Scope(deploy),
            new("bundle", bundle.Id.Value, bundle.Name ?? bundle.MountPath),
            [("deploymentName", deployment.Name), ("mountPath", bundle.MountPath), ("bundleType", bundle.BundleType), .. details]);
}
