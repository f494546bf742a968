using Microsoft.AspNetCore.Components;
using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Web;

/// <summary>What every page knows: who looks, and what its address says. Public because components are.</summary>
public abstract class PageComponent : ComponentBase
{
    [CascadingParameter]
    private HttpContext Context { get; set; } = null!;

    private protected HttpRequest Request => Context.Request;

    private protected CancellationToken RequestAborted => Context.RequestAborted;

    /// <summary>Who looks; null on the few pages that are open to all.</summary>
    private protected Subject? Reader => Context.Features.Get<Subject>();

    private protected Subject Me => Reader ?? throw new InvalidOperationException("The page needs somebody who looks at it.");

    /// <summary>Reads what the page shows; nothing is rendered before.</summary>
    private protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        parameters.SetParameterProperties(this);
        await LoadAsync();
        await base.SetParametersAsync(ParameterView.Empty);
    }

    /// <summary>Part of the address's path.</summary>
    private protected string Route(string name) => (string?)Context.Request.RouteValues[name] ?? "";

    private protected DeploymentId DeploymentId => new(Route("deploymentId"));

    /// <summary>Part of the address's query; null when it is absent or empty.</summary>
    private protected string? Query(string name) => Context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>A whole number of the address's query.</summary>
    private protected long? Number(string name) =>
        long.TryParse(Query(name), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null;
}
