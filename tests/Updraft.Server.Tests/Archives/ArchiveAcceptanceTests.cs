using System.Diagnostics;
using System.Text;
using Updraft.Server.Tests.Bundles;

namespace Updraft.Server.Tests.Archives;

/// <summary>Archives of common programs are accepted, and become the tree that GNU tar would unpack.</summary>
public sealed class ArchiveAcceptanceTests : IAsyncLifetime
{
    private readonly string _work = Directory.CreateTempSubdirectory("updraft-tar-").FullName;
    private BundleFixture _bundles = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Source => Path.Join(_work, "source");

    private string Archive => Path.Join(_work, "archive");

    [Theory]
    [InlineData("v7", 60, "dags")]
    [InlineData("v7", 60, ".")]
    [InlineData("ustar", 150, "dags")]
    [InlineData("ustar", 150, ".")]
    [InlineData("oldgnu", 400, ".")]
    [InlineData("gnu", 400, "dags")]
    [InlineData("gnu", 400, ".")]
    [InlineData("pax", 400, "dags")]
    [InlineData("pax", 400, ".")]
    public async Task Archive_of_GNU_tar_equals_its_unpacked_tree(string format, int pathLength, string root)
    {
        CreateSource(pathLength, withAccents: true);
        await RunAsync("tar", $"--format={format}", "-C", Source, "-cf", Archive, root);

        await AssertAcceptedAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Theory]
    [InlineData("USTAR_FORMAT", 150)]
    [InlineData("GNU_FORMAT", 400)]
    [InlineData("PAX_FORMAT", 400)]
    public async Task Archive_of_Python_equals_the_tree_that_GNU_tar_unpacks(string format, int pathLength)
    {
        CreateSource(pathLength, withAccents: true);
        const string Program = """
            import sys, tarfile
            with tarfile.open(sys.argv[2], 'w', format=getattr(tarfile, sys.argv[3])) as tar:
                tar.add(sys.argv[1], '.')
            """;
        await RunAsync("python3", "-c", Program, Source, Archive, format);

        await AssertAcceptedAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Fact]
    public async Task Archive_of_git_equals_the_tree_that_GNU_tar_unpacks()
    {
        CreateSource(150, withAccents: true);
        await RunAsync("git", "-C", Source, "init", "-q");
        await RunAsync("git", "-C", Source, "add", "-A");
        await RunAsync("git", "-C", Source, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a");
        await RunAsync("git", "-C", Source, "archive", "--format=tar", "-o", Archive, "HEAD");

        await AssertAcceptedAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Fact]
    public async Task Archive_of_the_Astro_CLI_equals_the_tree_that_GNU_tar_unpacks()
    {
        // The CLI packs files and links, but no directories.
        CreateSource(150, withAccents: true);
        const string Program = """
            import os, sys, tarfile
            with tarfile.open(sys.argv[2], 'w', format=tarfile.PAX_FORMAT) as tar:
                for folder, folders, files in os.walk(sys.argv[1]):
                    for name in files + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
                        path = os.path.join(folder, name)
                        member = tar.gettarinfo(path, os.path.relpath(path, sys.argv[1]))
                        if member.islnk():
                            member.type, member.linkname, member.size = tarfile.REGTYPE, '', os.path.getsize(path)
                        tar.addfile(member, open(path, 'rb') if member.isreg() else None)
            """;
        await RunAsync("python3", "-c", Program, Source, Archive);

        await AssertAcceptedAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Trait("catalog", "A19")]
    [Fact]
    public async Task Names_with_a_meaning_in_Python_are_ordinary_files()
    {
        var tree = await IngestTreeAsync(new TarBuilder().File(".airflowignore").File("a.pyc").File("a.pth").File("sitecustomize.py"));

        Assert.Equal(".airflowignore a.pth a.pyc sitecustomize.py", string.Join(' ', tree.Keys));
    }

    [Trait("catalog", "A21")]
    [Fact]
    public async Task Nested_archive_is_an_ordinary_file()
    {
        // The server unpacks only one level.
        var inner = TarBuilder.Gzip(new TarBuilder().File("../evil").ToArray());
        var tree = await IngestTreeAsync(new TarBuilder().File(TarBuilder.Text("inner.tar.gz"), inner));

        Assert.Equal(Encoding.Latin1.GetString(inner), Assert.Single(tree).Value.Content);
    }

    [Theory]
    [InlineData("gzip", "-9")]
    [InlineData("gzip", "-1")]
    [InlineData("gzip", "-n")]
    [InlineData("zstd", "-3")]
    [InlineData("zstd", "--ultra", "-22")]
    [InlineData("zstd", "--long=27")]
    [InlineData("zstd", "--no-check")]
    public async Task Compression_does_not_change_the_manifest(string program, params string[] options)
    {
        CreateSource(150, withAccents: false);
        await RunAsync("tar", "-C", Source, "-cf", Archive, "dags");
        var plain = await _bundles.IngestAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
        await RunAsync(program, ["-f", "-k", .. options, Archive]);
        var packed = await File.ReadAllBytesAsync(Archive + (program == "gzip" ? ".gz" : ".zst"), Cancelled);

        Assert.Equal(plain.ManifestDigest, (await _bundles.IngestAsync(packed)).ManifestDigest);
    }

    [Fact]
    public async Task Gzip_header_with_every_optional_field_is_accepted()
    {
        var gzip = TarBuilder.Gzip(new TarBuilder().File("f").ToArray());
        gzip[3] |= 1 + 4 + 8 + 16;
        byte[] full = [.. gzip[..10], 3, 0, 1, 2, 3, .. "dags.tar\0a comment\0"u8, .. gzip[10..]];

        Assert.Equal(1, (await _bundles.IngestAsync(full)).Files);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(70_000)]
    public async Task Manifest_does_not_depend_on_the_size_of_received_pieces(int piece)
    {
        CreateSource(400, withAccents: true);
        await RunAsync("tar", "--format=pax", "-C", Source, "-cf", Archive, ".");
        var plain = await File.ReadAllBytesAsync(Archive, Cancelled);
        var whole = await ArchiveReading.ReadAsync(plain);

        Assert.Equal(whole.Digest, (await ArchiveReading.ReadAsync(plain, piece)).Digest);
        Assert.Equal(whole.Digest, (await ArchiveReading.ReadAsync(TarBuilder.Gzip(plain), piece)).Digest);
        Assert.Equal(whole.Digest, (await ArchiveReading.ReadAsync(TarBuilder.Zstd(plain), piece)).Digest);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public async Task Empty_archive_becomes_an_empty_bundle(int zeroBlocks)
    {
        var plain = new byte[zeroBlocks * 512];
        foreach (var archive in new[] { plain, TarBuilder.Gzip(plain), TarBuilder.Zstd(plain) })
        {
            var version = await _bundles.IngestAsync(archive);

            Assert.Equal((0, 0L, null), (version.Files, version.Bytes, version.PackId));
            Assert.Empty(await _bundles.ReadTreeAsync(version));
        }
    }

    [Fact]
    public async Task File_mode_keeps_only_the_execute_bit_of_the_owner()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .File("setuid", mode: 0xdff).File("none", mode: 0).File("group", mode: 0x38).File("owner", mode: 0x1c0).Folder("directory"));

        Assert.Equal("directory group none owner setuid", string.Join(' ', tree.Keys));
        Assert.Equal([false, false, false, true, true], tree.Values.Select(file => file.IsExecutable));
    }

    [Fact]
    public async Task Owners_times_and_attributes_are_ignored_even_if_malformed()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .Extended('g', TarBuilder.Records(("comment", "0123456789abcdef"), ("mtime", "-1e400")))
            .Pax(("mtime", "-99999999999999999999"), ("uid", "99999999999999999999"),
                ("SCHILY.xattr.security.capability", "\u0001\0"), ("atime", "now"))
            .Header(TarBuilder.Text("f"), change: header =>
            {
                header.AsSpan(108, 16).Fill(0xff);
                header.AsSpan(136, 12).Fill(0xff);
            }));

        Assert.Equal("f", string.Join(' ', tree.Keys));
    }

    [Fact]
    public async Task Size_in_base_256_or_in_a_PAX_header_is_parsed()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .Header(TarBuilder.Text("base"), change: header => new byte[] { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3 }.CopyTo(header, 124))
            .Content("abc"u8)
            .Pax(("size", "4")).Header(TarBuilder.Text("pax")).Content("abcd"u8));

        Assert.Equal("abc", tree["base"].Content);
        Assert.Equal("abcd", tree["pax"].Content);
    }

    [Fact]
    public async Task Link_becomes_a_copy_of_an_earlier_or_later_target()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .SymbolicLink("early", "./d/run.sh").SymbolicLink("copy", "d").File("d/run.sh", "run", 0x1ed)
            .SymbolicLink("d/up", "../plain").File("plain", "text").HardLink("hard", "./plain").HardLink("harder", "hard")
            .SymbolicLink("deep/link", "../d/../plain"));

        Assert.Equal("copy copy/run.sh copy/up d d/run.sh d/up deep deep/link early hard harder plain", string.Join(' ', tree.Keys));
        Assert.Equal((true, "run"), tree["copy/run.sh"]);
        Assert.Equal((true, "run"), tree["early"]);
        foreach (var path in new[] { "copy/up", "d/up", "deep/link", "hard", "harder" })
            Assert.Equal((false, "text"), tree[path]);
    }

    [Fact]
    public async Task Directory_that_occurs_twice_is_accepted()
    {
        var tree = await IngestTreeAsync(new TarBuilder().Folder("./").Folder("a/").File("a/b").Folder("a/").Folder("./a").Folder("./"));

        Assert.Equal("a a/b", string.Join(' ', tree.Keys));
    }

    [Fact]
    public async Task Path_at_the_limits_of_length_and_depth_is_accepted()
    {
        var longest = string.Join('/', Enumerable.Repeat(new string('x', 255), 4));
        var deepest = string.Join('/', Enumerable.Repeat("d", 64));
        var tree = await IngestTreeAsync(new TarBuilder()
            .Pax(("path", longest)).File("y").LongName(deepest).File("y", format: TarFormat.Gnu));

        Assert.Equal(1023, longest.Length);
        Assert.NotNull(tree[longest].Content);
        Assert.NotNull(tree[deepest].Content);
    }

    public async ValueTask InitializeAsync() => _bundles = await BundleFixture.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await _bundles.DisposeAsync();
        Directory.Delete(_work, recursive: true);
    }

    private async Task<SortedDictionary<string, (bool IsExecutable, string? Content)>> IngestTreeAsync(TarBuilder tar) =>
        await _bundles.ReadTreeAsync(await _bundles.IngestAsync(tar.ToArray()));

    private async Task AssertAcceptedAsync(byte[] archive)
    {
        var accepted = await _bundles.ReadTreeAsync(await _bundles.IngestAsync(archive));
        var target = Directory.CreateDirectory(Path.Join(_work, "unpacked")).FullName;
        await RunAsync("tar", "-C", target, "-xf", Archive);
        var unpacked = new SortedDictionary<string, (bool, string?)>(StringComparer.Ordinal);
        ReadDirectory(target, "", unpacked);

        Assert.NotEmpty(unpacked);
        Assert.Equal(unpacked.Keys, accepted.Keys, StringComparer.Ordinal);
        Assert.All(unpacked, file => Assert.Equal(file.Value, accepted[file.Key]));
    }

    /// <summary>Reads a directory and follows its links.</summary>
    private static void ReadDirectory(string directory, string prefix, SortedDictionary<string, (bool, string?)> tree)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(directory))
        {
            var name = prefix + Path.GetFileName(path);
            if (Directory.Exists(path))
            {
                tree.Add(name, (false, null));
                ReadDirectory(path, name + "/", tree);
            }
            else
            {
                var isExecutable = File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute);
                tree.Add(name, (isExecutable, Encoding.Latin1.GetString(File.ReadAllBytes(path))));
            }
        }
    }

    private void CreateSource(int pathLength, bool withAccents)
    {
        var dags = Directory.CreateDirectory(Path.Join(Source, "dags")).FullName;
        var sub = Directory.CreateDirectory(Path.Join(dags, "sub", "below")).Parent!.FullName;
        Directory.CreateDirectory(Path.Join(dags, "empty"));
        File.WriteAllText(Path.Join(dags, "a.py"), "print('a')\n");
        File.WriteAllText(Path.Join(dags, "nothing"), "");
        File.WriteAllText(Path.Join(dags, ".airflowignore"), "x\n");
        File.WriteAllText(Path.Join(sub, withAccents ? "ünï cödé 日本 🚀.py" : "plain.py"), new string('u', 5000));
        File.WriteAllText(Path.Join(sub, "below", "exactly"), new string('e', 1024));
        File.WriteAllText(Path.Join(dags, "run.sh"), "#!/bin/sh\n");
        File.SetUnixFileMode(Path.Join(dags, "run.sh"), (UnixFileMode)0x1ed);
        File.CreateSymbolicLink(Path.Join(dags, "link.py"), "a.py");
        File.CreateSymbolicLink(Path.Join(dags, "sub", "run"), "../run.sh");
        File.CreateSymbolicLink(Path.Join(dags, "directory-link"), "sub/below");
        Posix.HardLink(Path.Join(dags, "a.py"), Path.Join(dags, "hard.py"));
        var at = dags;
        for (var left = pathLength - "dags/".Length; left > 0; left -= 80)
            at = Path.Join(at, new string('l', Math.Min(left, 79)));
        Directory.CreateDirectory(Path.GetDirectoryName(at)!);
        File.WriteAllText(at, "long");
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        Assert.True(process.ExitCode == 0, $"{program} failed: {errors}");
    }
}
