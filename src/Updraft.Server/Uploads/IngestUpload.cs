using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>
/// Turns an upload into a bundle version, if the slot is still open, the conditions of the request are met and the body is complete when
/// the version is recorded.
/// </summary>
internal sealed class IngestUpload(IngestBundle ingest, LatestUpload latest)
{
    public async Task<BundleVersion> RunAsync(UploadGrant grant, HttpRequest request, UploadBody body, CancellationToken cancellationToken)
    {
        var conditions = UploadConditions.Read(request);
        BundleVersion version;
        try
        {
            version = await ingest.RunAsync(new IngestRequest(grant.Deployment, grant.Deploy, grant.Purpose, async (db, token) =>
            {
                await AdmitUpload.CheckAsync(db, grant, conditions, token);
                body.Verify();
            }), body, cancellationToken);
        }
        catch (Exception)
        {
            // The reader reports a cut-off body as a damaged archive. The failure of the body is the true cause.
            body.ThrowFailure();
            throw;
        }
        // Only clients of Azure Blob Storage compare the length, and the extra write would slow down the others.
        if (request.Headers.ContainsKey("x-ms-version"))
            await latest.RecordLengthAsync(grant, version, body.Count, cancellationToken);
        return version;
    }
}
