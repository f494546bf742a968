using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;

namespace Updraft.Testing;

/// <summary>The result of a comparison.</summary>
/// <param name="Accepted">Number of archives that Updraft accepted.</param>
/// <param name="Rejected">Number of archives that Updraft rejected with a reason that the tree of GNU tar confirms.</param>
/// <param name="Faults">One line for each archive with another result.</param>
internal sealed record DialectResult(int Accepted, int Rejected, IReadOnlyList<string> Faults);

/// <summary>
/// Reads archives of <see cref="DialectWriter"/> with the reader of uploads, and unpacks them with GNU tar. Both trees must be equal. A
/// rejection must name an entry that is in the tree of GNU tar, and a reason that this entry has.
/// </summary>
internal sealed partial class DialectComparison(string directory)
{
    private const int Batch = 200;

    private const string WithGnuTar = """
        cd "$1" && for archive in *.tar; do
          tar -xf "$archive" -C "${archive%.tar}" --touch --no-same-owner --no-xattrs --no-acls --no-selinux 2>"${archive%.tar}.log"
        done
        find . -type d ! -perm -700 -exec chmod u+rwx {} +
        find . -type f ! -perm -400 -exec chmod u+r {} +
        """;

    /// <summary>Compares the archives of consecutive seeds.</summary>
    /// <param name="seed">The first seed.</param>
    /// <param name="count">Number of archives.</param>
    /// <param name="jobs">Number of processes of GNU tar at the same time.</param>
    public async Task<DialectResult> RunAsync(int seed, int count, int jobs, CancellationToken cancellationToken)
    {
        var (accepted, rejected, faults) = (0, 0, new List<string>());
        var starts = Enumerable.Range(0, (count + Batch - 1) / Batch).Select(batch => batch * Batch);
        await Parallel.ForEachAsync(starts, new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellationToken },
            async (start, token) =>
            {
                var result = await CompareBatchAsync(seed + start, Math.Min(Batch, count - start), token);
                lock (faults)
                {
                    accepted += result.Accepted;
                    rejected += result.Rejected;
                    faults.AddRange(result.Faults);
                }
            });
        return new(accepted, rejected, faults);
    }

    private async Task<DialectResult> CompareBatchAsync(int seed, int count, CancellationToken cancellationToken)
    {
        var work = Directory.CreateDirectory(Path.Join(directory, seed.ToString(CultureInfo.InvariantCulture))).FullName;
        var results = new List<(int Seed, Dialect Dialect, SortedDictionary<string, string>? Tree, string? Rejection)>();
        for (var number = seed; number < seed + count; number++)
        {
            var (archive, dialect) = DialectWriter.Make(number);
            await File.WriteAllBytesAsync(Path.Join(work, $"{number}.tar"), archive, cancellationToken);
            Directory.CreateDirectory(Path.Join(work, $"{number}"));
            var (tree, rejection) = await ReadAsync(archive, cancellationToken);
            results.Add((number, dialect, tree, rejection));
        }
        await UnpackAsync(work, cancellationToken);
        var (accepted, faults) = (0, new List<string>());
        foreach (var (number, dialect, tree, rejection) in results)
        {
            var unpacked = Path.Join(work, $"{number}");
            var fault = tree is null ? ExplainRejection(unpacked, rejection!) : ExplainDifference(tree, DialectFiles.Read(unpacked));
            accepted += tree is null ? 0 : 1;
            if (fault is not null)
                faults.Add($"seed {number}, {dialect}: {fault}");
        }
        Directory.Delete(work, recursive: true);
        return new(accepted, count - accepted, faults);
    }

    private static async Task<(SortedDictionary<string, string>? Tree, string? Rejection)> ReadAsync(byte[] archive,
        CancellationToken cancellationToken)
    {
        try
        {
            using var reader = new ArchiveReader(new MemoryStream(archive), new ArchiveOptions());
            while (await reader.NextFileAsync(cancellationToken) is { } file)
            {
                using var content = new MemoryStream();
                while (await reader.ReadContentAsync(cancellationToken) is { IsEmpty: false } part)
                    content.Write(part.Span);
                file.Content = Digest.Of(content.ToArray());
            }
            var tree = reader.Tree.ToManifest().Entries.ToDictionary(entry => entry.Path, entry => entry.IsDirectory
                ? DialectFiles.Directory : DialectFiles.Describe(entry.IsExecutable, entry.Size, entry.Content), StringComparer.Ordinal);
            return (new(tree, StringComparer.Ordinal), null);
        }
        catch (ApiException exception) when (exception.StatusCode == 400)
        {
            return (null, exception.Message);
        }
    }

    private static async Task UnpackAsync(string work, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("sh", ["-c", WithGnuTar, "sh", work]) { RedirectStandardError = true, UseShellExecute = false };
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var process = Process.Start(start)!;
        await process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
    }

    private static string? ExplainDifference(SortedDictionary<string, string> tree, SortedDictionary<string, string> unpacked)
    {
        if (tree.SequenceEqual(unpacked))
            return null;
        var differences = tree.Except(unpacked).Select(entry => $"only Updraft: {entry}")
            .Concat(unpacked.Except(tree).Select(entry => $"only GNU tar: {entry}"));
        return string.Join("; ", differences.Take(4));
    }

    /// <summary>The only rejections that the trees deserve are about links.</summary>
    private static string? ExplainRejection(string unpacked, string rejection)
    {
        var link = LinkMessage().Match(rejection);
        if (!link.Success)
            return $"rejected: {rejection}";
        var name = link.Groups["name"].Value;
        // A message shortens a long name, so the entry cannot be found.
        if (name.EndsWith('…'))
            return null;
        var path = Path.Join(unpacked, name);
        if (new FileInfo(path).LinkTarget is not { } target)
            return $"rejected for a link that GNU tar does not unpack: {rejection}";
        var resolves = DialectFiles.Resolves(path);
        var isTrue = link.Groups["reason"].Value switch
        {
            "which is absolute" => target.StartsWith('/'),
            "which is not in the archive" or "which leads out of the archive" =>
                !resolves || target.StartsWith("..", StringComparison.Ordinal),
            "which holds the link itself" or "which has a link to a directory in it" => Directory.Exists(path),
            "which is bytecode that Updraft leaves out" => resolves,
            _ => !resolves,
        };
        return isTrue ? null : $"rejected for a reason that is not true: {rejection}";
    }

    [GeneratedRegex("^The entry '(?<name>[^']+)' is a link to '[^']*', (?<reason>[^.]+)\\.",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex LinkMessage();
}
