using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>Keeps uploads from filling the disk to the last byte.</summary>
internal sealed class FreeSpace(IOptions<ServerOptions> server, IOptions<StorageOptions> storage, BlobStoreUrl address)
{
    /// <summary>The folder of the data folder where blobs on their way into an object store are gathered.</summary>
    public const string SpoolFolder = "tmp";

    /// <summary>Bytes that are free for uploads and everything else; into an object store they go by way of a file.</summary>
    public long Free => new DriveInfo(server.Value.Folder(address is DirectoryUrl ? "blobs" : SpoolFolder)).AvailableFreeSpace;

    /// <summary>Bytes that uploads leave.</summary>
    public long Reserve => storage.Value.ReserveBytes;

    /// <summary>Says no before bytes are taken that would go into the reserve.</summary>
    /// <param name="coming">How many bytes will come; 0 when nobody knows.</param>
    /// <exception cref="ApiException">507: too little space is free.</exception>
    public void Check(long coming)
    {
        var (reserve, free) = (Reserve, Free);
        if (free < coming || free - coming < reserve)
            throw new ApiException(StatusCodes.Status507InsufficientStorage,
                $"The server has {free} bytes of disk space free, and keeps {reserve} (Storage:ReserveBytes); this upload has {coming}. "
                + "Its operator must free some space.");
    }
}
