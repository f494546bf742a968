using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Import;

/// <summary>
/// Copies the folder of keys, unless <c>Keys</c> names one that has them already: tokens, sessions and enrolled agents go on only with the
/// same keys.
/// </summary>
internal sealed class CopyKeys(IOptions<ServerOptions> options, IServiceProvider services)
{
    private const string FirstKey = "signing.pem";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Where the keys of the target are, whether or not there is such a folder.</summary>
    private string Target => Path.GetFullPath(string.IsNullOrEmpty(options.Value.Keys) ? Path.Join(options.Value.Data, "keys") : options.Value.Keys);

    /// <summary>Sees whether they can be copied; changes nothing.</summary>
    /// <exception cref="IOException">There are none, or other ones where they belong.</exception>
    public void Check(SourceInstallation source)
    {
        if (!File.Exists(Path.Join(source.Keys, FirstKey)) && !File.Exists(Path.Join(Target, FirstKey)))
            throw new IOException($"there are no keys in '{source.Keys}'; name the folder that its server had as Keys with --Keys.");
        foreach (var (from, to) in Files(source))
        {
            if (File.Exists(to) && !File.ReadAllBytes(from).AsSpan().SequenceEqual(File.ReadAllBytes(to)))
                throw new IOException($"'{to}' is another key than '{from}'. Give the target an empty folder, or the same keys.");
        }
    }

    /// <summary>Copies what is not there, and compares the keys with those that the source's database has on record.</summary>
    /// <exception cref="IOException">They are not the ones that the source's server had.</exception>
    public async Task RunAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        foreach (var (from, to) in Files(source))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!, OwnerOnly);
            AtomicFile.TryCreate(to, await File.ReadAllBytesAsync(from, cancellationToken));
        }
        var onRecord = await source.Db.ServerFacts.AsNoTracking().Where(row => row.Name.StartsWith("key_"))
            .ToDictionaryAsync(row => row.Name, row => row.Value, StringComparer.Ordinal, cancellationToken);
        var there = Directory.EnumerateFiles(Target).ToHashSet(StringComparer.Ordinal);
        var others = services.GetServices<SharedKey>().Where(key => onRecord.TryGetValue($"key_{key.Name}", out var wanted) && wanted != key.Id).ToList();
        // One that is missing was made just now; it must not stand where the right one belongs.
        var missing = others.FindAll(key => !there.Contains(Path.Join(Target, key.File)));
        missing.ForEach(key => File.Delete(Path.Join(Target, key.File)));
        if (missing.Count > 0)
        {
            throw new IOException($"there is no key '{Path.Join(Target, missing[0].File)}', and the server of '{source.Folder}' had one; "
                + "put it back from a backup, or name the folder of its keys with --Keys.");
        }
        if (others.Count > 0)
        {
            throw new IOException($"the key '{Path.Join(Target, others[0].File)}' is {others[0].Id}, and the server of '{source.Folder}' used "
                + $"{onRecord[$"key_{others[0].Name}"]}; name the folder of its keys with --Keys.");
        }
    }

    private IEnumerable<(string From, string To)> Files(SourceInstallation source) => !Directory.Exists(source.Keys) || source.Keys == Target ? [] :
        from path in Directory.EnumerateFiles(source.Keys, "*", SearchOption.AllDirectories)
        where !path.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal)
        select (path, Path.Join(Target, Path.GetRelativePath(source.Keys, path)));
}
