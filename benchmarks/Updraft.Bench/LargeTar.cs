using System.Formats.Tar;
using System.Net;

namespace Updraft.Bench;

/// <summary>A tar archive with files of one MiB that do not compress, generated while the client sends it.</summary>
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
            var entry = new UstarTarEntry(TarEntryType.RegularFile, $"dags/large_{i}.bin") { DataStream = new MemoryStream(bytes) };
            await tar.WriteEntryAsync(entry);
        }
    }

    protected override bool TryComputeLength(out long result)
    {
        result = 0;
        return false;
    }
}
