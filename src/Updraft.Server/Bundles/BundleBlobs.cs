using Updraft.Protocol;

namespace Updraft.Server.Bundles;

/// <summary>Keys of bundles in the blob store:
/// <code>
/// manifests/DEPLOYMENT/DIGEST     a manifest
/// packs/DEPLOYMENT/PACK           the contents that one version added
/// </code>
/// </summary>
internal static class BundleBlobs
{
    public static string Manifest(DeploymentId deployment, Digest manifest) => $"manifests/{deployment}/{manifest}";

    public static string Pack(DeploymentId deployment, string packId) => $"packs/{deployment}/{packId}";
}
