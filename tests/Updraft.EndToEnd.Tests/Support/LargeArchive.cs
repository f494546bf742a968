using System.Formats.Tar;
using System.Net;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// A tar archive of a given size, generated while the client sends it. Half of its files compress well; the others do not compress.
/// </summary>
internal sealed class LargeArchive(int files, long bytesPerFile) : HttpContent
{
    private const int Block = 512;

    /// <summary>Length of the whole archive in bytes.</summary>
    public long Length { get; } = files * (Block + (bytesPerFile + Block - 1) / Block * Block) + 2 * Block;

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        for (var i = 0; i < files; i++)
        {
            await using var content = new GeneratedContent(bytesPerFile, seed: i, compresses: i % 2 == 0);
            await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, $"dags/file_{i:000}.bin") { DataStream = content });
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Length;
        return true;
    }

    /// <summary>Content that depends on a seed only.</summary>
    private sealed class GeneratedContent : Stream
    {
        private readonly byte[] _piece = new byte[64 * 1024];
        private readonly Random _random;
        private readonly bool _compresses;

        public GeneratedContent(long length, int seed, bool compresses)
        {
            (Length, _random, _compresses) = (length, new Random(seed), compresses);
            _piece.AsSpan().Fill((byte)seed);
        }

        public override long Length { get; }

        public override long Position { get; set; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(Math.Min(buffer.Length, _piece.Length), Length - Position);
            if (!_compresses)
                _random.NextBytes(_piece.AsSpan(0, count));
            _piece.AsSpan(0, count).CopyTo(buffer);
            Position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Read(buffer.Span));

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }
    }
}
