using System.Formats.Tar;
using System.Net;

namespace Updraft.Bench;

/// <summary>A plain tar of files of one MiB that do not compress, made while it is sent.</summary>
internal sealed class LargeTar(long length) : HttpContent
{
    private const int FileBytes = 1024 * 1024;

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var random = new Random(3);
        var bytes = new byte[FileBytes];
        await using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        for (var i = 0; i < length / FileBytes; i++)
        {
            random.NextBytes(bytes);
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, $"dags/large_{i}.bin") { DataStream = new MemoryStream(bytes) });
        }
    }

    protected override bool TryComputeLength(out long result)
    {
        result = 0;
        return false;
    }
}
