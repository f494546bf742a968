using System.Collections.Concurrent;
using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>A token that was found good, and when it ends; null for never. A session has no id.</summary>
internal sealed record KnownToken(TokenId? Id, Subject Subject, DateTimeOffset? ExpiresAt);

/// <summary>
/// Remembers good tokens for 5 seconds, which is how long another process may take to notice that a token or a role was
/// changed; in this process a change counts at once.
/// </summary>
internal sealed class TokenCache(TimeProvider clock)
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
