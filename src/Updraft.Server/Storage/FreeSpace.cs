using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>Keeps uploads from filling the disk of the data directory.</summary>
internal sealed class FreeSpace(IOptions<ServerOptions> server, IOptions<StorageOptions> storage, BlobStoreUrl url)
{
    /// <summary>The part of the data directory that holds blobs until they are uploaded to an object store.</summary>
    public const string SpoolDirectory = "tmp";

    /// <summary>Free bytes of the disk that uploads write to. With an object store, that is the disk of the spool directory.</summary>
    public long Free => new DriveInfo(server.Value.Folder(url is DirectoryUrl ? "blobs" : SpoolDirectory)).AvailableFreeSpace;

    /// <summary>Bytes that uploads leave free.</summary>
    public long Reserve => storage.Value.ReserveBytes;

    /// <summary>Rejects an upload that would use the reserve.</summary>
    /// <param name="expected">Size of the upload in bytes; 0 if unknown.</param>
    /// <exception cref="ApiException">507: too little space is free.</exception>
    public void Check(long expected)
    {
        var (reserve, free) = (Reserve, Free);
        if (free < expected || free - expected < reserve)
        {
            throw new ApiException(RequestErrors.StorageFull,
                $"The server has {free} bytes of disk space free and keeps {reserve} ({StorageLimits.ReserveBytes}), "
                + $"but the upload has {expected}. Ask the operator to free disk space.")
            {
                Limit = StorageLimits.ReserveBytes,
            };
        }
    }
}
