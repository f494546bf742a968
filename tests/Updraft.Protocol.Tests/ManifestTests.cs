using System.Text;
using CsCheck;

namespace Updraft.Protocol.Tests;

public sealed class ManifestTests
{
    private static readonly Digest Empty = Digest.Of([]);

    [Fact]
    public void The_documented_manifest_reads_and_has_the_documented_digest()
    {
        var bytes = Encoding.UTF8.GetBytes(Vectors.Read("manifest.md", "manifest") + "\n");
        var manifest = Manifest.Parse(bytes);
        Assert.Equal(Vectors.Read("manifest.md", "manifest-digest"), manifest.Digest.ToString());
        Assert.Equal(bytes, manifest.ToBytes());
        Assert.Equal((3, 34L), (manifest.FileCount, manifest.TotalBytes));
    }

    [Fact]
    public void The_same_tree_has_the_same_digest_in_any_order_and_with_or_without_its_folders()
    {
        var content = "print('hello')\n"u8.ToArray();
        var hello = ManifestEntry.File("dags/common/hello.py", content.Length, Digest.Of(content));
        var other = ManifestEntry.File("dags/a.py", 0, Empty);
        var bare = Manifest.Create([hello, other]);
        var explicitFolders = Manifest.Create([other, ManifestEntry.Folder("dags"), hello, ManifestEntry.Folder("dags/common"), ManifestEntry.Folder("dags")]);
        Assert.Equal(bare.Digest, explicitFolders.Digest);
        Assert.Equal(["dags", "dags/a.py", "dags/common", "dags/common/hello.py"], bare.Entries.Select(entry => entry.Path));
    }

    [Fact]
    public void Order_is_by_the_bytes_of_UTF8() => Trees.Manifests.Sample(manifest =>
    {
        var paths = manifest.Entries.Select(entry => Encoding.UTF8.GetBytes(entry.Path)).ToArray();
        for (var i = 1; i < paths.Length; i++)
            Assert.True(paths[i - 1].AsSpan().SequenceCompareTo(paths[i]) < 0);
    });

    [Fact]
    public void Reading_what_was_written_gives_the_same_manifest() => Trees.Manifests.Sample(manifest =>
    {
        var again = Manifest.Parse(manifest.ToBytes());
        Assert.Equal(manifest.Digest, again.Digest);
        Assert.Equal(manifest.Entries, again.Entries);
    });

    [Fact]
    public void A_changed_byte_is_refused_or_is_another_manifest() =>
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
                // Refused.
            }
        });

    [Fact]
    public void A_prefix_is_refused_or_is_another_manifest() => Trees.Manifests.Sample(manifest =>
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
                // Refused.
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
    public void What_a_writer_would_not_write_is_refused(string text) =>
        Assert.Throws<InvalidDataException>(() => Manifest.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_file_cannot_be_a_folder_too() => Assert.Throws<InvalidDataException>(() =>
        Manifest.Create([ManifestEntry.File("a", 0, Empty), ManifestEntry.File("a/b", 0, Empty)]));

    [Fact]
    public void A_difference_leads_from_one_manifest_to_the_other() => Gen.Select(Trees.Manifests, Trees.Manifests).Sample((from, to) =>
    {
        var locations = to.Entries.Where(entry => !entry.IsFolder).Select(entry => entry.Content).Distinct()
            .ToDictionary(content => content, content => new PackLocation("cm" + content.ToString()[..23], 8, 30));
        var needed = ManifestDiff.Compare(from, to).Added.Where(entry => !entry.IsFolder).Select(entry => entry.Content).ToHashSet();
        var travelled = ManifestDiff.Parse(ManifestDiff.Between(from, to, locations).ToBytes());
        Assert.Equal(to.Digest, travelled.ApplyTo(from).Digest);
        Assert.Equal(needed, travelled.Locations.Keys.ToHashSet());
        Assert.All(travelled.Added.Where(entry => !entry.IsFolder), entry => Assert.Equal(locations[entry.Content], travelled.Locations[entry.Content]));
    });

    [Fact]
    public void A_difference_from_nothing_is_the_whole_manifest() => Trees.Manifests.Sample(to =>
    {
        var locations = to.Entries.Where(entry => !entry.IsFolder).Select(entry => entry.Content).Distinct()
            .ToDictionary(content => content, _ => new PackLocation("cm00000000000000000000000", 8, 30));
        Assert.Equal(to.Digest, ManifestDiff.Parse(ManifestDiff.Between(null, to, locations).ToBytes()).ApplyTo(null).Digest);
    });

    [Fact]
    public void The_documented_difference_applies_to_the_documented_manifest()
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
    public void A_difference_to_another_start_is_refused() => Gen.Select(Trees.Manifests, Trees.Manifests, Trees.Manifests)
        .Where((a, b, c) => a.Digest != c.Digest)
        .Sample((from, to, other) =>
        {
            var locations = to.Entries.Where(entry => !entry.IsFolder).Select(entry => entry.Content).Distinct()
                .ToDictionary(content => content, _ => new PackLocation("cm00000000000000000000000", 8, 30));
            var diff = ManifestDiff.Parse(ManifestDiff.Between(from, to, locations).ToBytes());
            Assert.Throws<InvalidDataException>(() => diff.ApplyTo(other));
        });
}
