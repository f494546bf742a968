using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>A token that was found good, and when it ends; null for never. A session has no id.</summary>
internal sealed record KnownToken(TokenId? Id, Subject Subject, DateTimeOffset? ExpiresAt);

/// <summary>
/// Remembers good tokens for 5 seconds while this process alone changes them, and forgets them when it does. With other servers on the
/// database it remembers nothing: a token that one of them ended must not open another one's next request.
/// </summary>
internal sealed class TokenCache(IOptions<DatabaseOptions> database, TimeProvider clock)
{
    private const int MaxTokens = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<Digest, (KnownToken Token, long At)> _known = new();
    private long _generation;

    /// <summary>Changes with every <see cref="Forget"/>. Read it before the database.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>The token with this hash, when it is known and fresh.</summary>
    public KnownToken? Find(Digest hash) =>
        _known.TryGetValue(hash, out var entry) && clock.GetElapsedTime(entry.At) < Lifetime ? entry.Token : null;

    /// <summary>Remembers a token, unless one was changed since <paramref name="generation"/> was read.</summary>
    public void Remember(Digest hash, KnownToken token, long generation)
    {
        if (database.Value.IsShared)
            return;
        if (_known.Count >= MaxTokens)
            _known.Clear();
        _known[hash] = (token, clock.GetTimestamp());
        if (Generation != generation)
            _known.TryRemove(hash, out _);
    }

    /// <summary>
    /// Drops everything. Call after a change of a token, a person or a role is committed; such changes are rare, and reading all again
    /// is cheap.
    /// </summary>
    public void Forget()
    {
        Interlocked.Increment(ref _generation);
        _known.Clear();
    }
}
