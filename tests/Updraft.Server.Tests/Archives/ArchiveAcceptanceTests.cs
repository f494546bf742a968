using System.Diagnostics;
using System.Text;
using Updraft.Server.Tests.Bundles;

namespace Updraft.Server.Tests.Archives;

/// <summary>What ordinary programs pack is taken, and becomes what GNU tar would unpack.</summary>
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
    public async Task What_GNU_tar_packs_becomes_what_it_unpacks(string format, int pathLength, string root)
    {
        MakeSource(pathLength, withAccents: true);
        await RunAsync("tar", $"--format={format}", "-C", Source, "-cf", Archive, root);

        await AssertTakenAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Theory]
    [InlineData("USTAR_FORMAT", 150)]
    [InlineData("GNU_FORMAT", 400)]
    [InlineData("PAX_FORMAT", 400)]
    public async Task What_Python_packs_becomes_what_GNU_tar_unpacks(string format, int pathLength)
    {
        MakeSource(pathLength, withAccents: true);
        const string Program = """
            import sys, tarfile
            with tarfile.open(sys.argv[2], 'w', format=getattr(tarfile, sys.argv[3])) as tar:
                tar.add(sys.argv[1], '.')
            """;
        await RunAsync("python3", "-c", Program, Source, Archive, format);

        await AssertTakenAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Fact]
    public async Task What_git_archive_packs_becomes_what_GNU_tar_unpacks()
    {
        MakeSource(150, withAccents: true);
        await RunAsync("git", "-C", Source, "init", "-q");
        await RunAsync("git", "-C", Source, "add", "-A");
        await RunAsync("git", "-C", Source, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a");
        await RunAsync("git", "-C", Source, "archive", "--format=tar", "-o", Archive, "HEAD");

        await AssertTakenAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Fact]
    public async Task What_the_Astro_CLI_packs_becomes_what_GNU_tar_unpacks()
    {
        // It walks the folder and writes files and links, but no folders.
        MakeSource(150, withAccents: true);
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

        await AssertTakenAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
    }

    [Fact]
    public async Task Names_that_Python_gives_a_meaning_are_ordinary_files()
    {
        // Row A19.
        var tree = await IngestTreeAsync(new TarBuilder().File(".airflowignore").File("__pycache__/a.pyc").File("a.pth").File("sitecustomize.py"));

        Assert.Equal(".airflowignore __pycache__ __pycache__/a.pyc a.pth sitecustomize.py", string.Join(' ', tree.Keys));
    }

    [Fact]
    public async Task An_archive_in_an_archive_is_a_file()
    {
        // Row A21: nothing is unpacked twice.
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
    public async Task Compression_makes_no_difference(string program, params string[] options)
    {
        MakeSource(150, withAccents: false);
        await RunAsync("tar", "-C", Source, "-cf", Archive, "dags");
        var plain = await _bundles.IngestAsync(await File.ReadAllBytesAsync(Archive, Cancelled));
        await RunAsync(program, ["-f", "-k", .. options, Archive]);
        var packed = await File.ReadAllBytesAsync(Archive + (program == "gzip" ? ".gz" : ".zst"), Cancelled);

        Assert.Equal(plain.ManifestDigest, (await _bundles.IngestAsync(packed)).ManifestDigest);
    }

    [Fact]
    public async Task A_gzip_header_may_have_every_field()
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
    public async Task The_tree_does_not_depend_on_how_the_upload_arrives(int piece)
    {
        MakeSource(400, withAccents: true);
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
    public async Task An_empty_archive_is_an_empty_bundle(int zeroBlocks)
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
    public async Task Of_a_mode_only_the_owners_right_to_execute_counts()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .File("setuid", mode: 0xdff).File("none", mode: 0).File("group", mode: 0x38).File("owner", mode: 0x1c0).Folder("folder"));

        Assert.Equal("folder group none owner setuid", string.Join(' ', tree.Keys));
        Assert.Equal([false, false, false, true, true], tree.Values.Select(file => file.IsExecutable));
    }

    [Fact]
    public async Task Owners_times_and_attributes_are_passed_over_whatever_they_say()
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
    public async Task A_size_in_base_256_and_a_size_by_PAX_are_understood()
    {
        var tree = await IngestTreeAsync(new TarBuilder()
            .Header(TarBuilder.Text("base"), change: header => new byte[] { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3 }.CopyTo(header, 124))
            .Content("abc"u8)
            .Pax(("size", "4")).Header(TarBuilder.Text("pax")).Content("abcd"u8));

        Assert.Equal("abc", tree["base"].Content);
        Assert.Equal("abcd", tree["pax"].Content);
    }

    [Fact]
    public async Task Links_become_copies_whether_their_target_comes_before_or_after()
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
    public async Task A_folder_may_be_named_more_than_once()
    {
        var tree = await IngestTreeAsync(new TarBuilder().Folder("./").Folder("a/").File("a/b").Folder("a/").Folder("./a").Folder("./"));

        Assert.Equal("a a/b", string.Join(' ', tree.Keys));
    }

    [Fact]
    public async Task A_path_may_be_as_long_and_as_deep_as_the_limits_say()
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

    private async Task AssertTakenAsync(byte[] archive)
    {
        var taken = await _bundles.ReadTreeAsync(await _bundles.IngestAsync(archive));
        var target = Directory.CreateDirectory(Path.Join(_work, "unpacked")).FullName;
        await RunAsync("tar", "-C", target, "-xf", Archive);
        var unpacked = new SortedDictionary<string, (bool, string?)>(StringComparer.Ordinal);
        ReadFolder(target, "", unpacked);

        Assert.NotEmpty(unpacked);
        Assert.Equal(unpacked.Keys, taken.Keys, StringComparer.Ordinal);
        Assert.All(unpacked, file => Assert.Equal(file.Value, taken[file.Key]));
    }

    /// <summary>Reads a folder as somebody who follows links sees it.</summary>
    private static void ReadFolder(string folder, string prefix, SortedDictionary<string, (bool, string?)> tree)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(folder))
        {
            var name = prefix + Path.GetFileName(path);
            if (Directory.Exists(path))
            {
                tree.Add(name, (false, null));
                ReadFolder(path, name + "/", tree);
            }
            else
            {
                var isExecutable = File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute);
                tree.Add(name, (isExecutable, Encoding.Latin1.GetString(File.ReadAllBytes(path))));
            }
        }
    }

    private void MakeSource(int pathLength, bool withAccents)
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
        File.CreateSymbolicLink(Path.Join(dags, "folder"), "sub/below");
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
