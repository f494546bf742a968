using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>A verified token.</summary>
/// <param name="Id">ID of the API token; null for the access token of a user.</param>
/// <param name="Subject">The caller.</param>
/// <param name="ExpiresAt">Null for no expiry.</param>
internal sealed record KnownToken(TokenId? Id, Subject Subject, DateTimeOffset? ExpiresAt);

/// <summary>
/// Caches verified tokens for 5 seconds, and drops them all at each change. With PostgreSQL, the cache stays empty: if another replica
/// deletes a token, this replica must reject its next request.
/// </summary>
internal sealed class TokenCache(IOptions<DatabaseOptions> database, TimeProvider clock)
{
    private const int MaxTokens = 10_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<Digest, (KnownToken Token, long At)> _known = new();
    private long _generation;

    /// <summary>Changes with every <see cref="Forget"/>. Read it before you read the database.</summary>
    public long Generation => Volatile.Read(ref _generation);

    /// <summary>The token with the hash; null if it is not in the cache, or too old.</summary>
    public KnownToken? Find(Digest hash) =>
        _known.TryGetValue(hash, out var entry) && clock.GetElapsedTime(entry.At) < Lifetime ? entry.Token : null;

    /// <summary>Adds a token, unless <see cref="Forget"/> was called after <paramref name="generation"/> was read.</summary>
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
    /// Drops all tokens. Call it after the commit of a change of a token, user or role. Such changes are rare, and reading the tokens again
    /// is cheap.
    /// </summary>
    public void Forget()
    {
        Interlocked.Increment(ref _generation);
        _known.Clear();
    }
}
