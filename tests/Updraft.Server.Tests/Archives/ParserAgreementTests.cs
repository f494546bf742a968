using System.Diagnostics;
using System.Globalization;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

/// <summary>
/// Updraft reads the same names and bytes from an accepted archive as GNU tar and Python's tarfile, however unusual the archive is. For a
/// longer run set <c>UPDRAFT_AGREEMENT_ARCHIVES</c>, and for other archives <c>UPDRAFT_AGREEMENT_SEED</c>.
/// </summary>
public sealed class ParserAgreementTests : IDisposable
{
    private const string WithGnuTar = """
        cd "$1" && for archive in *.tar; do
          mkdir "gnu-$archive" && tar -xf "$archive" -C "gnu-$archive" --touch --no-same-owner --no-xattrs --no-acls --no-selinux
        done
        find . -type d -exec chmod u+rwx {} +
        find . -type f -exec chmod u+r {} +
        """;

    private const string WithPython = """
        import glob, os, sys, tarfile
        os.chdir(sys.argv[1])
        tarfile.TarFile.chown = tarfile.TarFile.utime = lambda *arguments, **named: None
        tarfile.TarFile.extraction_filter = staticmethod(lambda member, path: member)
        for archive in glob.glob('*.tar'):
            try:
                with tarfile.open(archive) as tar:
                    members = tar.getmembers()
                    if any(m.name.startswith('/') or '..' in m.name.split('/') for m in members):
                        raise ValueError('a name leads out: %r' % [m.name for m in members])
                    os.mkdir('python-' + archive)
                    tar.extractall('python-' + archive)
            except Exception as error:
                print(archive, repr(error), file=sys.stderr)
        """;

    private readonly string _work = Directory.CreateTempSubdirectory("updraft-agreement-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Trait("catalog", "A31")]
    [Fact]
    public async Task Accepted_archives_equal_the_trees_of_GNU_tar_and_Python()
    {
        var (count, seed) = (Setting("UPDRAFT_AGREEMENT_ARCHIVES", 600), Setting("UPDRAFT_AGREEMENT_SEED", 1));
        var accepted = new Dictionary<int, SortedDictionary<string, string>>();
        for (var number = seed; number < seed + count; number++)
        {
            var archive = OddArchives.Make(number);
            if (await ReadOrRejectAsync(archive) is not { } tree)
                continue;
            accepted.Add(number, tree);
            await File.WriteAllBytesAsync(Path.Join(_work, $"{number}.tar"), archive, Cancelled);
        }

        var errors = await RunAsync("sh", "-c", WithGnuTar, "sh", _work) + await RunAsync("python3", "-c", WithPython, _work);

        Assert.InRange(accepted.Count, count / 10, count * 9 / 10);
        var differences = accepted.SelectMany(archive => new[] { "gnu", "python" }
            .Select(program => (Program: program, Tree: Unpacked($"{program}-{archive.Key}.tar")))
            .Where(other => !Same(other.Program, other.Tree, archive.Value))
            .Select(other => $"archive {archive.Key}: Updraft reads [{Show(archive.Value)}], {other.Program} unpacks [{Show(other.Tree)}]"))
            .ToList();
        Assert.True(differences.Count == 0,
            $"{differences.Count} of {accepted.Count} archives differ\n{string.Join('\n', differences.Take(20))}\n{errors}");
        TestContext.Current.SendDiagnosticMessage($"{accepted.Count} of {count} archives were accepted, "
            + "and all three programs read the same");
    }

    /// <summary>The tree of an archive; null if it is rejected.</summary>
    private static async Task<SortedDictionary<string, string>?> ReadOrRejectAsync(byte[] archive)
    {
        try
        {
            var entries = (await ArchiveReading.ReadAsync(archive)).Entries;
            var tree = entries.ToDictionary(entry => entry.Path,
                entry => entry.IsDirectory ? "directory" : Describe(entry.IsExecutable, entry.Size, entry.Content));
            return new(tree, StringComparer.Ordinal);
        }
        catch (ApiException rejection)
        {
            Assert.Equal(400, rejection.StatusCode);
            return null;
        }
    }

    private SortedDictionary<string, string> Unpacked(string directory)
    {
        var tree = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (Directory.Exists(Path.Join(_work, directory)))
            Read(Path.Join(_work, directory), "");
        else
            tree.Add("(nothing)", "");
        return tree;

        void Read(string at, string prefix)
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(at))
            {
                var name = prefix + Path.GetFileName(path);
                if (Directory.Exists(path))
                {
                    tree.Add(name, "directory");
                    Read(path, name + "/");
                }
                else if (new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { Exists: false })
                {
                    tree.Add(name, "a link to nothing");
                }
                else
                {
                    var mode = File.GetUnixFileMode(path);
                    // An ordinary user cannot read a file with mode 000.
                    File.SetUnixFileMode(path, mode | UnixFileMode.UserRead);
                    var content = File.ReadAllBytes(path);
                    tree.Add(name, Describe(mode.HasFlag(UnixFileMode.UserExecute), content.Length, Digest.Of(content)));
                }
            }
        }
    }

    /// <summary>Compares two trees. Python sets the mode of a hard link on its target, so modes do not count for Python.</summary>
    private static bool Same(string program, SortedDictionary<string, string> left, SortedDictionary<string, string> right) =>
        program == "python"
            ? left.Select(WithoutMode).SequenceEqual(right.Select(WithoutMode), StringComparer.Ordinal)
            : left.SequenceEqual(right);

    private static string WithoutMode(KeyValuePair<string, string> entry) =>
        entry.Key + " " + entry.Value.Replace("script of", "file of", StringComparison.Ordinal);

    private static string Describe(bool isExecutable, long size, Digest content) =>
        string.Create(CultureInfo.InvariantCulture, $"{(isExecutable ? "script" : "file")} of {size}: {content.ToString()[..8]}");

    private static string Show(SortedDictionary<string, string> tree) =>
        string.Join(", ", tree.Select(entry => $"{(entry.Key.Length > 40 ? entry.Key[..40] + "…" : entry.Key)} {entry.Value}"));

    private static int Setting(string name, int fallback) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false };
        (start.Environment["LC_ALL"], start.Environment["PYTHONUTF8"]) = ("C.UTF-8", "1");
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        return errors[..Math.Min(errors.Length, 5000)];
    }
}
