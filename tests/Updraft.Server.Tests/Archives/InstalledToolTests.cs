using System.Diagnostics;

namespace Updraft.Server.Tests.Archives;

/// <summary>Archives of the programs on this machine, with default options, become the tree that GNU tar unpacks.</summary>
public sealed class InstalledToolTests : IDisposable
{
    /// <summary>
    /// Name, the program that must exist, and a script with the archive as its first argument. It runs next to <c>dags</c>.
    /// </summary>
    private static readonly (string Name, string Program, string Script)[] Tools =
    [
        ("GNU tar", "tar", "tar -cf \"$1\" dags"),
        ("GNU tar, gzip", "gzip", "tar -czf \"$1\" dags"),
        ("GNU tar, zstd", "zstd", "tar --zstd -cf \"$1\" dags"),
        ("GNU tar, content of the directory", "tar", "tar -C dags -cf \"$1\" ."),
        ("GNU tar, sparse", "tar", "tar -Scf \"$1\" dags"),
        ("GNU tar, PAX and sparse", "tar", "tar --format=pax -Scf \"$1\" dags"),
        ("GNU tar, label", "tar", "tar -V nightly -cf \"$1\" dags"),
        ("GNU tar, incremental", "tar", "tar -g \"$1.snar\" -cf \"$1\" dags"),
        ("GNU tar, incremental PAX", "tar", "tar --format=pax -g \"$1.snar\" -cf \"$1\" dags"),
        ("GNU tar, dots in the names", "tar", "tar -cf \"$1\" .//dags/."),
        ("bsdtar", "bsdtar", "bsdtar -cf \"$1\" dags"),
        ("bsdtar, gzip", "bsdtar", "bsdtar -czf \"$1\" dags"),
        ("bsdtar, content of the directory", "bsdtar", "bsdtar -C dags -cf \"$1\" ."),
        ("busybox", "busybox", "busybox tar -cf \"$1\" dags"),
        ("npm", "npm", NpmPath + " node -e 'require(\"tar\").c({sync:true,file:process.argv[1]},[\"dags\"])' \"$1\""),
        ("npm, gzip", "npm", NpmPath + " node -e 'require(\"tar\").c({sync:true,gzip:true,file:process.argv[1]},[\"dags\"])' \"$1\""),
        ("Python", "python3", "python3 -m tarfile -c \"$1\" dags"),
        ("Python, directory as the root", "python3",
            "python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[1],\"w\"); t.add(\"dags\",\"/\"); t.close()' \"$1\""),
        ("Python, dot", "python3",
            "cd dags; python3 -c 'import sys,tarfile; t=tarfile.open(sys.argv[1],\"w\"); t.add(\".\"); t.close()' \"$1\""),
        ("git", "git", "git init -q && git add -A && "
            + "git -c user.name=a -c user.email=a@example.org commit -qm a && git archive -o \"$1\" HEAD"),
        ("7z", "7z", "7z a -ttar -bso0 \"$1\" dags && (test -f \"$1\" || mv \"$1.tar\" \"$1\")"),
        ("cpio, ustar", "cpio", "find dags | cpio --quiet -o -H ustar >\"$1\""),
        ("cpio, tar", "cpio", "find dags | cpio --quiet -o -H tar >\"$1\""),
        ("pax", "pax", "pax -w -f \"$1\" dags"),
        ("star", "star", "star -c f=\"$1\" dags"),
        ("Go", "go", """
            mkdir -p "$1.d" && cat >"$1.d/main.go" <<'END'
            package main
            import ("archive/tar"; "os")
            func main() {
              file, _ := os.Create(os.Args[1]); archive := tar.NewWriter(file)
              if archive.AddFS(os.DirFS(".")) != nil || archive.Close() != nil { os.Exit(1) }
            }
            END
            GOCACHE="$1.d/cache" GO111MODULE=off go run "$1.d/main.go" "$1"
            """),
    ];

    private const string NpmPath = "NODE_PATH=\"$(npm root -g)/npm/node_modules\"";

    private readonly string _work = Directory.CreateTempSubdirectory("updraft-tools-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The tools that this machine has. GNU tar, gzip, zstd, Python and git are always there.</summary>
    public static TheoryData<string> Installed => [.. Tools.Where(tool => Exists(tool.Program)).Select(tool => tool.Name)];

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [MemberData(nameof(Installed))]
    public async Task Archive_of_an_installed_tool_equals_the_tree_of_GNU_tar(string name)
    {
        var script = Tools.Single(tool => tool.Name == name).Script;
        var (source, target, archive) = (Directory.CreateDirectory(Path.Join(_work, "source")).FullName,
            Directory.CreateDirectory(Path.Join(_work, "target")).FullName, Path.Join(_work, "archive"));
        CreateSource(Path.Join(source, "dags"));
        await RunAsync(source, script, archive);
        await RunAsync(target, "tar -xf \"$1\"", archive);

        var accepted = (await ArchiveReading.ReadAsync(await File.ReadAllBytesAsync(archive, Cancelled))).Entries.ToDictionary(
            entry => entry.Path, entry => entry.IsDirectory ? DialectFiles.Directory
                : DialectFiles.Describe(entry.IsExecutable, entry.Size, entry.Content), StringComparer.Ordinal);

        Assert.Equal(DialectFiles.Read(target), new SortedDictionary<string, string>(accepted, StringComparer.Ordinal));
        Assert.True(accepted.Count > 8);
    }

    private static bool Exists(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(directory => File.Exists(Path.Join(directory, program)));

    private static void CreateSource(string dags)
    {
        Directory.CreateDirectory(Path.Join(dags, "sub", "below"));
        File.WriteAllText(Path.Join(dags, "a.py"), "print('a')\n");
        File.WriteAllText(Path.Join(dags, "nothing"), "");
        File.WriteAllText(Path.Join(dags, "Daten für März.sql"), new string('u', 5000));
        File.WriteAllText(Path.Join(dags, "sub", "below", "exactly"), new string('e', 1024));
        File.WriteAllText(Path.Join(dags, "sub", "run.sh"), "#!/bin/sh\n");
        File.SetUnixFileMode(Path.Join(dags, "sub", "run.sh"), (UnixFileMode)0x1ed);
        File.CreateSymbolicLink(Path.Join(dags, "link.py"), "a.py");
        File.CreateSymbolicLink(Path.Join(dags, "again.py"), "link.py");
        File.CreateSymbolicLink(Path.Join(dags, "directory-link"), "sub/below");
        Posix.HardLink(Path.Join(dags, "a.py"), Path.Join(dags, "hard.py"));
        using var sparse = File.Create(Path.Join(dags, "lookup.db"));
        sparse.Position = 300_000;
        sparse.Write("data"u8);
        sparse.SetLength(1_000_000);
    }

    private static async Task RunAsync(string directory, string script, string archive)
    {
        var start = new ProcessStartInfo("sh", ["-ec", script, "sh", archive])
        {
            WorkingDirectory = directory,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        Assert.True(process.ExitCode == 0, $"{script} failed: {errors}");
    }
}
