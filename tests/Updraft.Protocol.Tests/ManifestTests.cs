using System.Text;
using CsCheck;

namespace Updraft.Protocol.Tests;

public sealed class ManifestTests
{
    private static readonly Digest Empty = Digest.Of([]);

    [Fact]
    public void Documented_manifest_has_documented_digest()
    {
        var bytes = Encoding.UTF8.GetBytes(Vectors.Read("manifest.md", "manifest") + "\n");
        var manifest = Manifest.Parse(bytes);
        Assert.Equal(Vectors.Read("manifest.md", "manifest-digest"), manifest.Digest.ToString());
        Assert.Equal(bytes, manifest.ToBytes());
        Assert.Equal((3, 34L), (manifest.FileCount, manifest.TotalBytes));
    }

    [Fact]
    public void Digest_is_independent_of_order_and_listed_directories()
    {
        var content = "print('hello')\n"u8.ToArray();
        var hello = ManifestEntry.File("dags/common/hello.py", content.Length, Digest.Of(content));
        var other = ManifestEntry.File("dags/a.py", 0, Empty);
        var bare = Manifest.Create([hello, other]);
        var withDirectories = Manifest.Create(
            [other, ManifestEntry.Directory("dags"), hello, ManifestEntry.Directory("dags/common"), ManifestEntry.Directory("dags")]);
        Assert.Equal(bare.Digest, withDirectories.Digest);
        Assert.Equal(["dags", "dags/a.py", "dags/common", "dags/common/hello.py"], bare.Entries.Select(entry => entry.Path));
    }

    [Fact]
    public void Entries_are_sorted_by_UTF8_bytes() => Trees.Manifests.Sample(manifest =>
    {
        var paths = manifest.Entries.Select(entry => Encoding.UTF8.GetBytes(entry.Path)).ToArray();
        for (var i = 1; i < paths.Length; i++)
            Assert.True(paths[i - 1].AsSpan().SequenceCompareTo(paths[i]) < 0);
    });

    [Fact]
    public void Manifest_round_trips() => Trees.Manifests.Sample(manifest =>
    {
        var again = Manifest.Parse(manifest.ToBytes());
        Assert.Equal(manifest.Digest, again.Digest);
        Assert.Equal(manifest.Entries, again.Entries);
    });

    [Fact]
    public void Changed_byte_is_rejected_or_changes_digest() =>
        Gen.Select(Trees.Manifests, Gen.Int[0, int.MaxValue - 1], Gen.Byte[1, 255]).Sample((manifest, position, change) =>
        {
            var bytes = manifest.ToBytes();
            bytes[position % bytes.Length] ^= change;
            try
            {
                Assert.NotEqual(manifest.Digest, Manifest.Parse(bytes).Digest);
            }
            catch (InvalidDataException)
            {
                // The bytes were rejected.
            }
        });

    [Fact]
    public void Prefix_is_rejected_or_changes_digest() => Trees.Manifests.Sample(manifest =>
    {
        var bytes = manifest.ToBytes();
        for (var length = 0; length < bytes.Length; length++)
        {
            try
            {
                Assert.NotEqual(manifest.Digest, Manifest.Parse(bytes.AsSpan(0, length)).Digest);
            }
            catch (InvalidDataException)
            {
                // The bytes were rejected.
            }
        }
    });

    [Theory]
    [InlineData("")]
    [InlineData("updraft-manifest 2\n")]
    [InlineData("updraft-manifest 1")]
    [InlineData("updraft-manifest 1\nd b\nd a\n")]
    [InlineData("updraft-manifest 1\nd a\nd a\n")]
    [InlineData("updraft-manifest 1\nd ../a\n")]
    [InlineData("updraft-manifest 1\nd /a\n")]
    [InlineData("updraft-manifest 1\nd a\\b\n")]
    [InlineData("updraft-manifest 1\nl a\n")]
    [InlineData("updraft-manifest 1\nf 644 00 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a\n")]
    [InlineData("updraft-manifest 1\nf 777 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a\n")]
    [InlineData("updraft-manifest 1\nf 644 -1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a\n")]
    [InlineData("updraft-manifest 1\nf 644 0 E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855 a\n")]
    [InlineData("updraft-manifest 1\nf 644 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a/b\n")]
    public void Text_that_is_not_canonical_is_rejected(string text) =>
        Assert.Throws<InvalidDataException>(() => Manifest.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void File_as_parent_directory_is_rejected() => Assert.Throws<InvalidDataException>(() =>
        Manifest.Create([ManifestEntry.File("a", 0, Empty), ManifestEntry.File("a/b", 0, Empty)]));

    [Fact]
    public void Difference_turns_one_manifest_into_another() => Gen.Select(Trees.Manifests, Trees.Manifests).Sample((from, to) =>
    {
        var locations = to.Entries.Where(entry => !entry.IsDirectory).Select(entry => entry.Content).Distinct()
            .ToDictionary(content => content, content => new PackLocation("cm" + content.ToString()[..23], 8, 30));
        var needed = ManifestDiff.Compare(from, to).Added.Where(entry => !entry.IsDirectory).Select(entry => entry.Content).ToHashSet();
        var received = ManifestDiff.Parse(ManifestDiff.Between(from, to, locations).ToBytes());
        Assert.Equal(to.Digest, received.ApplyTo(from).Digest);
        Assert.Equal(needed, received.Locations.Keys.ToHashSet());
        Assert.All(received.Added.Where(entry => !entry.IsDirectory),
            entry => Assert.Equal(locations[entry.Content], received.Locations[entry.Content]));
    });

    [Fact]
    public void Difference_from_nothing_is_complete_manifest() => Trees.Manifests.Sample(to =>
    {
        var locations = to.Entries.Where(entry => !entry.IsDirectory).Select(entry => entry.Content).Distinct()
            .ToDictionary(content => content, _ => new PackLocation("cm00000000000000000000000", 8, 30));
        Assert.Equal(to.Digest, ManifestDiff.Parse(ManifestDiff.Between(null, to, locations).ToBytes()).ApplyTo(null).Digest);
    });

    [Fact]
    public void Documented_difference_applies_to_documented_manifest()
    {
        var from = Manifest.Parse(Encoding.UTF8.GetBytes(Vectors.Read("manifest.md", "manifest") + "\n"));
        var bytes = Encoding.UTF8.GetBytes(Vectors.Read("manifest.md", "diff") + "\n");
        var diff = ManifestDiff.Parse(bytes);
        var to = diff.ApplyTo(from);
        Assert.Equal(diff.To, to.Digest);
        Assert.DoesNotContain(to.Entries, entry => entry.Path == "logs");
        Assert.Equal(bytes, ManifestDiff.Between(from, to, diff.Locations).ToBytes());
    }

    [Fact]
    public void Difference_from_another_manifest_is_rejected() => Gen.Select(Trees.Manifests, Trees.Manifests, Trees.Manifests)
        .Where((a, b, c) => a.Digest != c.Digest)
        .Sample((from, to, other) =>
        {
            var locations = to.Entries.Where(entry => !entry.IsDirectory).Select(entry => entry.Content).Distinct()
                .ToDictionary(content => content, _ => new PackLocation("cm00000000000000000000000", 8, 30));
            var diff = ManifestDiff.Parse(ManifestDiff.Between(from, to, locations).ToBytes());
            Assert.Throws<InvalidDataException>(() => diff.ApplyTo(other));
        });
}
