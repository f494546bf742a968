using Updraft.Protocol;
using Updraft.Server.Archives;

namespace Updraft.Server.Tests.Archives;

/// <summary>Reads an archive to its manifest, without a store.</summary>
internal static class ArchiveReading
{
    /// <param name="archive">The upload.</param>
    /// <param name="piece">Most bytes that one read of the upload returns.</param>
    /// <param name="limits">The limits; null for the defaults.</param>
    public static async Task<Manifest> ReadAsync(byte[] archive, int piece = int.MaxValue, ArchiveOptions? limits = null)
    {
        using var reader = new ArchiveReader(new Pieces(archive, piece), limits ?? new ArchiveOptions());
        while (await reader.NextFileAsync(TestContext.Current.CancellationToken) is { } file)
        {
            using var content = new MemoryStream();
            while (await reader.ReadContentAsync(TestContext.Current.CancellationToken) is { IsEmpty: false } part)
                content.Write(part.Span);
            Assert.Equal(file.Size, content.Length);
            file.Content = Digest.Of(content.ToArray());
        }
        return reader.Tree.ToManifest();
    }

    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, piece)], cancellationToken);
    }
}
