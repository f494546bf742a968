using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>Makes an upload's bytes a bundle version, if the slot is open still and the bytes are complete when it is recorded.</summary>
internal sealed class IngestUpload(IngestBundle ingest)
{
    public async Task<BundleVersion> RunAsync(UploadGrant slot, UploadBody body, CancellationToken cancellationToken)
    {
        try
        {
            return await ingest.RunAsync(new IngestRequest(slot.Deployment, slot.Deploy, slot.Purpose, async (db, admitting) =>
            {
                await AdmitUpload.CheckAsync(db, slot, admitting);
                body.Verify();
            }), body, cancellationToken);
        }
        catch (Exception)
        {
            // A body that breaks off looks like a damaged archive to its reader.
            body.ThrowFailure();
            throw;
        }
    }
}
