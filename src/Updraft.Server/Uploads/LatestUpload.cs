using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>Finds the latest upload of a slot, and keeps the length of its archive for clients that compare it with HEAD.</summary>
internal sealed class LatestUpload(UpdraftDbContext db, IBlobStore blobs)
{
    /// <summary>The latest version; null if the slot has no upload.</summary>
    public Task<BundleVersion?> FindAsync(UploadGrant grant, CancellationToken cancellationToken) => FindAsync(db, grant, cancellationToken);

    public static Task<BundleVersion?> FindAsync(UpdraftDbContext db, UploadGrant grant, CancellationToken cancellationToken)
    {
        var (deployment, deploy, purpose) = grant;
        return db.BundleVersions.AsNoTracking()
            .Where(row => row.DeploymentId == deployment && row.DeployId == deploy && row.Purpose == purpose)
            .OrderByDescending(row => row.Version)
            .FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>
    /// Records the length of the archive next to the staged blocks, because the archive itself is not kept. A failure is no reason to
    /// reject the upload, which is already recorded: then HEAD has no length.
    /// </summary>
    public async Task RecordLengthAsync(UploadGrant grant, BundleVersion version, long length, CancellationToken cancellationToken)
    {
        try
        {
            await using var blob = await blobs.CreateAsync(Key(grant), cancellationToken);
            blob.Content.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{version.Version} {length}")));
            await blob.CommitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or BlobStoreException)
        {
        }
    }

    /// <summary>The length of the archive in bytes; null if it is not known, e.g. while another upload ends at the same time.</summary>
    public async Task<long?> ReadLengthAsync(UploadGrant grant, BundleVersion version, CancellationToken cancellationToken)
    {
        try
        {
            await using var blob = await blobs.OpenAsync(Key(grant), cancellationToken);
            using var reader = new StreamReader(blob);
            var parts = (await reader.ReadToEndAsync(cancellationToken)).Split(' ');
            return parts is [var recorded, var length] && recorded == version.Version
                ? long.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture)
                : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    // The keys of blocks are digests, so none has this name.
    private static string Key(UploadGrant grant) => grant.StagingPrefix + "length";
}
