using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>What one upload address stands for.</summary>
internal readonly record struct UploadGrant(DeploymentId Deployment, DeployId Deploy, BundlePurpose Purpose)
{
    /// <summary>Where the slot's staged blocks stand; ends in <c>/</c>.</summary>
    public string StagingPrefix => $"staging/{Deploy}/{SignedUploadUrl.Segment(Purpose)}/";
}
