using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Import;

/// <summary>
/// Copies the keys, unless the setting <c>Keys</c> names a directory that already has them. Tokens, sessions and enrolled agents stay
/// valid only with the same keys.
/// </summary>
internal sealed class CopyKeys(IOptions<ServerOptions> options, IServiceProvider services)
{
    private const string FirstKey = "signing.pem";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Directory of the target's keys. It may not exist.</summary>
    private string Target =>
        Path.GetFullPath(string.IsNullOrEmpty(options.Value.Keys) ? Path.Join(options.Value.Data, "keys") : options.Value.Keys);

    /// <summary>Checks that the keys can be copied. It changes nothing.</summary>
    /// <exception cref="IOException">The source has no keys, or the target has different keys.</exception>
    public void Check(SourceInstallation source)
    {
        if (!File.Exists(Path.Join(source.Keys, FirstKey)) && !File.Exists(Path.Join(Target, FirstKey)))
            throw new IOException($"there are no keys in '{source.Keys}'. Name the key directory of its server with --Keys.");
        foreach (var (from, to) in Files(source))
        {
            if (File.Exists(to) && !File.ReadAllBytes(from).AsSpan().SequenceEqual(File.ReadAllBytes(to)))
                throw new IOException($"the key '{to}' differs from '{from}'. "
                    + "Use an empty key directory for the target, or the same keys.");
        }
    }

    /// <summary>Copies the missing keys, and compares all keys with the ids in the database of the source.</summary>
    /// <exception cref="IOException">A key of the source is missing or different.</exception>
    public async Task RunAsync(SourceInstallation source, CancellationToken cancellationToken)
    {
        foreach (var (from, to) in Files(source))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!, OwnerOnly);
            AtomicFile.TryCreate(to, await File.ReadAllBytesAsync(from, cancellationToken));
        }
        var recorded = await source.Db.ServerFacts.AsNoTracking().Where(row => row.Name.StartsWith("key_"))
            .ToDictionaryAsync(row => row.Name, row => row.Value, StringComparer.Ordinal, cancellationToken);
        var present = Directory.EnumerateFiles(Target).ToHashSet(StringComparer.Ordinal);
        var different = services.GetServices<SharedKey>().Where(key => recorded.TryGetValue($"key_{key.Name}", out var id) && id != key.Id)
            .ToList();
        // Reading the keys has generated the missing ones. A generated key must not block the right one.
        var missing = different.FindAll(key => !present.Contains(Path.Join(Target, key.File)));
        missing.ForEach(key => File.Delete(Path.Join(Target, key.File)));
        if (missing.Count > 0)
        {
            throw new IOException($"the key '{Path.Join(Target, missing[0].File)}' is missing, "
                + $"but the server of '{source.DataDirectory}' had it. "
                + "Restore it from a backup, or name the key directory of that server with --Keys.");
        }
        if (different.Count > 0)
        {
            throw new IOException($"the key '{Path.Join(Target, different[0].File)}' has the id {different[0].Id}, but the server of "
                + $"'{source.DataDirectory}' used {recorded[$"key_{different[0].Name}"]}. "
                + "Name the key directory of that server with --Keys.");
        }
    }

    private IEnumerable<(string From, string To)> Files(SourceInstallation source) =>
        !Directory.Exists(source.Keys) || source.Keys == Target ? [] :
        from path in Directory.EnumerateFiles(source.Keys, "*", SearchOption.AllDirectories)
        where !path.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal)
        select (path, Path.Join(Target, Path.GetRelativePath(source.Keys, path)));
}
