using System.Diagnostics.CodeAnalysis;
using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>The rules of the <c>git</c> object in requests. An empty text counts as absent.</summary>
internal static class GitBlock
{
    private const string GitHub = "GITHUB", Generic = "GENERIC";
    private const int MaxText = 1024, MaxUrl = 2048;

    /// <summary>Checks the object and converts it; null without one.</summary>
    /// <exception cref="ApiException">400: a field is missing, invalid for the provider, or too long.</exception>
    public static DeployGit? Read(DeployGitBlock? git)
    {
        if (git is null)
            return null;
        var read = new DeployGit
        {
            Provider = Text("provider", git.Provider) is GitHub or Generic
                ? git.Provider!
                : throw ApiException.BadRequest($"The field 'git.provider' must be one of {GitHub}, {Generic}."),
            CommitSha = Text("commitSha", git.CommitSha) ?? throw ApiException.BadRequest("The field 'git.commitSha' is required."),
            Account = Text("account", git.Account),
            Repo = Text("repo", git.Repo),
            RemoteUrl = WithoutCredentials(Text("remoteUrl", git.RemoteUrl, MaxUrl)),
            Branch = Text("branch", git.Branch),
            Path = Text("path", git.Path),
            CommitUrl = Url("commitUrl", git.CommitUrl),
            AuthorName = Text("authorName", git.AuthorName),
            AuthorUsername = Text("authorUsername", git.AuthorUsername),
            AuthorUrl = Url("authorUrl", git.AuthorUrl),
            BeforeCommitSha = Text("beforeCommitSha", git.BeforeCommitSha),
        };
        var isGitHub = read.Provider == GitHub;
        CheckPresence("account", read.Account, read.Provider, isGitHub);
        CheckPresence("repo", read.Repo, read.Provider, isGitHub);
        CheckPresence("remoteUrl", read.RemoteUrl, read.Provider, !isGitHub);
        return read;
    }

    /// <summary>
    /// A URL without user and password. In CI systems, the remote of a clone often contains a token, and readers must not see it. Other
    /// texts stay, such as <c>git@host:path</c>, where <c>git</c> is no secret.
    /// </summary>
    [return: NotNullIfNotNull(nameof(url))]
    public static string? WithoutCredentials(string? url)
    {
        const string Separator = "://";
        if (url is null || url.IndexOf(Separator, StringComparison.Ordinal) is var start && start < 0)
            return url;
        start += Separator.Length;
        var length = url.AsSpan(start).IndexOfAny('/', '?', '#');
        var end = length < 0 ? url.Length : start + length;
        var at = url.AsSpan(start, end - start).LastIndexOf('@');
        return at < 0 ? url : url[..start] + url[(start + at + 1)..];
    }

    private static string? Text(string field, string? text, int max = MaxText)
    {
        TextLimit.Check(text, $"git.{field}", max);
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>
    /// A URL that the web UI shows as a link. Schemes such as <c>javascript:</c> are rejected, because users click on it.
    /// </summary>
    private static string? Url(string field, string? text)
    {
        var url = Text(field, text, MaxUrl);
        // Check whitespace before parsing: the parser trims it around a URL, and browsers remove tabs and newlines inside one.
        return url is null || (!url.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
                && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri is { Scheme: "http" or "https" })
            ? WithoutCredentials(url)
            : throw ApiException.BadRequest($"The field 'git.{field}' must be an absolute http or https URL.");
    }

    private static void CheckPresence(string field, string? value, string provider, bool isRequired)
    {
        if (isRequired && value is null)
            throw ApiException.BadRequest($"The field 'git.{field}' is required for the provider {provider}.");
        if (!isRequired && value is not null)
            throw ApiException.BadRequest($"The field 'git.{field}' must be absent for the provider {provider}.");
    }
}
