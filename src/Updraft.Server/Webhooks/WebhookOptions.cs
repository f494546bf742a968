using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Webhooks;

/// <summary>How events are sent; section <c>Webhooks</c>.</summary>
internal sealed class WebhookOptions : IValidatableObject
{
    private static readonly char[] Separators = [' ', ','];

    private Allowed? _allowed;

    /// <summary>
    /// Where webhooks may lead beside the public Internet: networks such as <c>10.1.0.0/16</c> and names of hosts, separated by spaces.
    /// What is listed may also be reached without TLS.
    /// </summary>
    public string? AllowedNetworks { get; set; }

    /// <summary>Most attempts for one event; 5 by default.</summary>
    [Range(1, 20)]
    public int MaxTries { get; set; } = 5;

    /// <summary>Time within which the attempts are spread, each pause four times the one before; 1 hour by default.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "7.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan RetryFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Longest time of one attempt, from looking up the name to the answer's headers; 10 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long deliveries are remembered; 30 days by default.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>A webhook is switched off when nothing has reached it for so long; 5 days by default, zero for never.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "3650.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan DisableAfter { get; set; } = TimeSpan.FromDays(5);

    /// <summary>Most webhooks of one Workspace; 20 by default.</summary>
    [Range(1, 1000)]
    public int MaxPerWorkspace { get; set; } = 20;

    /// <summary>How long a server that sends may be silent before another one sends: longer than an attempt takes.</summary>
    public TimeSpan Lease => (Timeout * 2) + TimeSpan.FromSeconds(5);

    /// <summary>Whether the operator has listed the host itself.</summary>
    public bool Allows(string host) => List().Hosts.Contains(host);

    /// <summary>Whether the operator has listed a network with this address in it.</summary>
    public bool Allows(IPAddress address) => List().Networks.Exists(network => network.Contains(address));

    /// <summary>The pause after so many tries; null when that was the last. Whoever failed together does not come back together.</summary>
    /// <param name="tries">Attempts so far, 1 or more.</param>
    /// <param name="share">From 0 to 1, by chance.</param>
    public TimeSpan? PauseAfter(int tries, double share)
    {
        if (tries >= MaxTries)
            return null;
        var all = Enumerable.Range(0, MaxTries - 1).Sum(i => Math.Pow(4, i));
        return RetryFor * (Math.Pow(4, tries - 1) / all) * (0.8 + (0.2 * share));
    }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var entry in Entries(AllowedNetworks))
        {
            if (!IPNetwork.TryParse(entry, out _) && !IPAddress.TryParse(entry, out _) && Uri.CheckHostName(entry) != UriHostNameType.Dns)
                yield return new ValidationResult("Webhooks:AllowedNetworks must be networks such as 10.1.0.0/16 and names of hosts, separated by spaces.");
        }
    }

    private Allowed List()
    {
        var known = _allowed;
        if (known is null || known.Text != AllowedNetworks)
            _allowed = known = Allowed.Read(AllowedNetworks);
        return known;
    }

    private static string[] Entries(string? text) => (text ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries);

    private sealed record Allowed(string? Text, List<IPNetwork> Networks, HashSet<string> Hosts)
    {
        public static Allowed Read(string? text)
        {
            var allowed = new Allowed(text, [], new HashSet<string>(StringComparer.OrdinalIgnoreCase));
            foreach (var entry in Entries(text))
            {
                if (IPAddress.TryParse(entry, out var address))
                    allowed.Networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
                else if (IPNetwork.TryParse(entry, out var network))
                    allowed.Networks.Add(network);
                else
                    allowed.Hosts.Add(entry);
            }
            return allowed;
        }
    }
}
