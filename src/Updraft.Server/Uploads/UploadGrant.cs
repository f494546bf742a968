using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>The permission of one signed upload URL; the key of its <see cref="UploadSlot"/>.</summary>
internal readonly record struct UploadGrant(DeploymentId Deployment, DeployId Deploy, BundlePurpose Purpose)
{
    /// <summary>Prefix of the keys of the staged blocks in the blob store; ends in <c>/</c>.</summary>
    public string StagingPrefix => $"staging/{Deploy}/{SignedUploadUrl.Segment(Purpose)}/";
}
