using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>
/// Turns an upload into a bundle version, if the slot is still open and the body is complete when the version is recorded.
/// </summary>
internal sealed class IngestUpload(IngestBundle ingest)
{
    public async Task<BundleVersion> RunAsync(UploadGrant grant, UploadBody body, CancellationToken cancellationToken)
    {
        try
        {
            return await ingest.RunAsync(new IngestRequest(grant.Deployment, grant.Deploy, grant.Purpose, async (db, token) =>
            {
                await AdmitUpload.CheckAsync(db, grant, token);
                body.Verify();
            }), body, cancellationToken);
        }
        catch (Exception)
        {
            // The reader reports a cut-off body as a damaged archive. The failure of the body is the true cause.
            body.ThrowFailure();
            throw;
        }
    }
}
