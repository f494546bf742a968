namespace Updraft.Server.Api;

/// <summary>Marks a route without a token, whose requests are limited per IP address.</summary>
internal sealed class LimitedPerAddress
{
    public static readonly LimitedPerAddress Instance = new();
}
