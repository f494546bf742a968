using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;

namespace Updraft.Fuzz;

/// <summary>
/// Feeds the archive reader mutated uploads. Whatever comes, the answer is a manifest or a 400, within a second and 64 MiB.
/// Usage: <c>Updraft.Fuzz CORPUS FINDINGS SECONDS [SEED]</c>, or <c>Updraft.Fuzz --make-corpus CORPUS</c>.
/// </summary>
internal static class Program
{
    private const long MaxAllocation = 64L * 1024 * 1024;
    private const int Attempts = 3;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);

    public static async Task<int> Main(string[] arguments)
    {
        if (arguments is ["--make-corpus", var target])
            return MakeCorpus(target);
        var (folder, findings, seconds) = (arguments[0], arguments[1], int.Parse(arguments[2], CultureInfo.InvariantCulture));
        var seed = arguments.Length > 3 ? int.Parse(arguments[3], CultureInfo.InvariantCulture) : Random.Shared.Next();
        var corpus = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();
        var mutator = new Mutator(corpus, new Random(seed));
        var (watch, runs, taken) = (Stopwatch.StartNew(), 0L, 0L);
        foreach (var known in corpus)
            await CheckAsync(known);
        while (watch.Elapsed.TotalSeconds < seconds)
        {
            var upload = mutator.Next();
            runs++;
            var (manifest, problem) = await CheckAsync(upload);
            taken += manifest is null ? 0 : 1;
            if (problem is null)
                continue;
            Directory.CreateDirectory(findings);
            var path = Path.Join(findings, Convert.ToHexStringLower(SHA256.HashData(upload))[..16]);
            await File.WriteAllBytesAsync(path, upload);
            Console.WriteLine($"FOUND after {runs} uploads of seed {seed}, kept in {path}:\n{problem}");
            return 1;
        }
        Console.WriteLine($"{runs} uploads of seed {seed} in {seconds} s: {taken} taken, {runs - taken} refused, nothing found");
        return taken > 0 && taken < runs ? 0 : 1;
    }

    private static async Task<(Manifest? Manifest, string? Problem)> CheckAsync(byte[] upload)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (started, before) = (Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes());
            Manifest? manifest = null;
            try
            {
                manifest = await ReadAsync(upload);
            }
            catch (ApiException refusal) when (refusal.StatusCode == 400)
            {
                // The one way to say no.
            }
            catch (Exception exception)
            {
                return (null, exception.ToString());
            }
            var (took, allocated) = (Stopwatch.GetElapsedTime(started), GC.GetTotalAllocatedBytes() - before);
            if (allocated > MaxAllocation)
                return (null, $"took {allocated} bytes of memory");
            if (took <= MaxTime)
                return (manifest, null);
            // What hangs does so every time; a busy machine does not.
            if (attempt == Attempts)
                return (null, $"took {took}");
        }
    }

    private static async Task<Manifest> ReadAsync(byte[] upload)
    {
        using var reader = new ArchiveReader(new MemoryStream(upload), new ArchiveOptions());
        while (await reader.NextFileAsync(CancellationToken.None) is { } file)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long length = 0;
            while (await reader.ReadContentAsync(CancellationToken.None) is { IsEmpty: false } piece)
            {
                hash.AppendData(piece.Span);
                length += piece.Length;
            }
            if (length != file.Size)
                throw new InvalidOperationException($"'{file.Path}' has {file.Size} bytes, {length} came.");
            file.Content = new Digest(hash.GetHashAndReset());
        }
        var manifest = reader.Tree.ToManifest();
        // What it makes must be a manifest for every other program too.
        if (Manifest.Parse(manifest.ToBytes()).Digest != manifest.Digest)
            throw new InvalidOperationException("The manifest does not survive being written and read.");
        return manifest;
    }

    private static int MakeCorpus(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, tar) in new (string, TarBuilder)[]
        {
            ("ustar", new TarBuilder().Folder("d/").File("d/a.py", "print()").File("run.sh", "x", 0x1ed)),
            ("links", new TarBuilder().File("d/f").SymbolicLink("l", "d").SymbolicLink("d/up", "../g").File("g").HardLink("h", "g")),
            ("pax", new TarBuilder().Extended('g', TarBuilder.Records(("comment", "0123abcd")))
                .Pax(("path", new string('p', 200)), ("size", "3"), ("mtime", "1.5")).Header(TarBuilder.Text("p")).Content("abc"u8)),
            ("gnu", new TarBuilder().LongName(new string('n', 150)).LongLink("g").HardLink("n", "f").File("f", format: TarFormat.Gnu)),
            ("v7", new TarBuilder().File("a", format: TarFormat.Old).Header(TarBuilder.Text("d/"), '\0', format: TarFormat.Old)),
            ("empty", new TarBuilder()),
        })
        {
            File.WriteAllBytes(Path.Join(folder, name + ".tar"), tar.ToArray());
            File.WriteAllBytes(Path.Join(folder, name + ".tar.gz"), TarBuilder.Gzip(tar.ToArray()));
            File.WriteAllBytes(Path.Join(folder, name + ".tar.zst"), TarBuilder.Zstd(tar.ToArray()));
        }
        return 0;
    }
}
