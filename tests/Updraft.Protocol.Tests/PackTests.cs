using CsCheck;

namespace Updraft.Protocol.Tests;

public sealed class PackTests
{
    [Fact]
    public void Documented_pack_is_readable()
    {
        using var pack = new MemoryStream(Convert.FromHexString(Vectors.Read("pack.md", "pack").ReplaceLineEndings("")));
        var entries = PackReader.ReadIndex(pack);
        Assert.Equal(["print('hello')\n", ""], entries.Select(entry => System.Text.Encoding.UTF8.GetString(Read(pack, entry))));
    }

    [Fact]
    public void Every_content_is_readable_from_its_range() =>
        Gen.Select(Trees.Content, Gen.Bool).Array[0, 30].Sample(contents =>
        {
            using var pack = Write(contents);
            var entries = PackReader.ReadIndex(pack);
            Assert.Equal(contents.Select(content => content.Item1), entries.Select(entry => Read(pack, entry)));
        });

    [Fact]
    public void Discarded_content_leaves_no_bytes_in_pack()
    {
        using var output = new MemoryStream();
        using (var writer = new PackWriter(output))
        {
            writer.Add("first"u8, Digest.Of("first"u8));
            using (var discarded = writer.Begin())
            {
                discarded.Write(new byte[3_000_000]);
                Assert.Equal(Digest.Of(new byte[3_000_000]), discarded.End());
            }
            using (var kept = writer.Begin())
            {
                kept.Write("sec"u8);
                kept.Write("ond"u8);
                kept.Keep();
            }
            writer.Complete();
        }
        var entries = PackReader.ReadIndex(output);
        Assert.Equal(["first"u8.ToArray(), "second"u8.ToArray()], entries.Select(entry => Read(output, entry)));
    }

    [Fact]
    public void Flipped_byte_is_detected_in_index_or_content() =>
        Gen.Select(Gen.Select(Trees.Content, Gen.Bool).Array[1, 8], Gen.Int[0, int.MaxValue - 1], Gen.Byte[1, 255])
        .Sample((contents, position, change) =>
        {
            using var pack = Write(contents);
            var bytes = pack.GetBuffer().AsSpan(0, (int)pack.Length);
            bytes[position % bytes.Length] ^= change;
            try
            {
                var entries = PackReader.ReadIndex(pack);
                var read = entries.Select(entry => Read(pack, entry)).ToArray();
                // Some bits of a zstd frame are unused. If such a bit changes, the contents stay equal.
                Assert.Equal(contents.Select(content => content.Item1), read);
            }
            catch (InvalidDataException)
            {
                // The damage was detected.
            }
        });

    [Fact]
    public void Prefix_of_pack_is_rejected()
    {
        using var pack = Write([("one"u8.ToArray(), false), ("two"u8.ToArray(), true)]);
        for (var length = 0; length < pack.Length; length++)
        {
            using var prefix = new MemoryStream(pack.ToArray()[..length]);
            Assert.Throws<InvalidDataException>(() => PackReader.ReadIndex(prefix));
        }
    }

    [Fact]
    public void Frame_longer_than_manifest_size_is_aborted()
    {
        using var pack = Write([(new byte[50_000_000], true)]);
        var entry = PackReader.ReadIndex(pack)[0];
        using var frame = new MemoryStream(pack.ToArray(), (int)entry.Offset, (int)entry.Length);
        using var destination = new MemoryStream();
        Assert.Throws<InvalidDataException>(() => PackReader.CopyVerified(frame, 1000, entry.Content, destination));
        Assert.True(destination.Length <= 1000);
    }

    [Fact]
    public void Small_content_is_verified_too()
    {
        using var pack = Write([("one and one and one"u8.ToArray(), false)]);
        var entry = PackReader.ReadIndex(pack)[0];
        using var reader = new ContentReader();
        for (var i = 0; i < entry.Length; i++)
        {
            var bytes = pack.ToArray();
            bytes[entry.Offset + i] ^= 1;
            using var frame = new MemoryStream(bytes, (int)entry.Offset, (int)entry.Length);
            Assert.Throws<InvalidDataException>(() => reader.CopyVerified(frame, entry.Length, entry.Size, entry.Content, Stream.Null));
        }
        foreach (var size in new[] { 0, entry.Size - 1, entry.Size + 1 })
        {
            using var frame = new MemoryStream(pack.ToArray(), (int)entry.Offset, (int)entry.Length);
            Assert.Throws<InvalidDataException>(() => reader.CopyVerified(frame, entry.Length, size, entry.Content, Stream.Null));
        }
    }

    private static MemoryStream Write(IReadOnlyList<(byte[] Content, bool Streamed)> contents)
    {
        var output = new MemoryStream();
        using var writer = new PackWriter(output);
        foreach (var (content, streamed) in contents)
        {
            if (!streamed)
            {
                writer.Add(content, Digest.Of(content));
                continue;
            }
            using var open = writer.Begin();
            open.Write(content);
            open.Keep();
        }
        writer.Complete();
        return output;
    }

    private static byte[] Read(MemoryStream pack, PackEntry entry)
    {
        using var frame = new MemoryStream(pack.ToArray(), checked((int)entry.Offset), checked((int)entry.Length));
        using var destination = new MemoryStream();
        PackReader.CopyVerified(frame, entry.Size, entry.Content, destination);
        using var reader = new ContentReader();
        using var inOnePiece = new MemoryStream();
        frame.Position = 0;
        reader.CopyVerified(frame, entry.Length, entry.Size, entry.Content, inOnePiece);
        Assert.Equal(destination.ToArray(), inOnePiece.ToArray());
        return destination.ToArray();
    }
}
