package statuspage

import (
	"maps"
	"slices"
)

// words are the texts of a page in one language.
type words struct {
	Operational, Degraded, Down, Unknown, Maintenance     string
	AllOperational, SomeDegraded, SomeDown, InMaintenance string
	Components, Incidents, NoIncidents, Planned           string
	Today, DaysAgo, Available, NoData, Updated            string
	Investigating, Identified, Monitoring, Resolved       string
	Feed                                                  string
	From, To                                              string
	Subscribe, Email, SubscribeHint                       string
	MaintenancePlanned, MaintenanceEnded, Affected        string
}

// languages are the languages of pages, by code.
var languages = map[string]words{
	"en": {
		Operational: "Operational", Degraded: "Degraded", Down: "Down", Unknown: "Unknown", Maintenance: "Maintenance",
		AllOperational: "All systems are operational", SomeDegraded: "Some systems are degraded", SomeDown: "Some systems are down", InMaintenance: "Maintenance is in progress",
		Components: "Systems", Incidents: "Incidents of the last 90 days", NoIncidents: "No incidents.", Planned: "Planned maintenance",
		Today: "today", DaysAgo: "90 days ago", Available: "%s %% available", NoData: "no data", Updated: "Updated",
		Investigating: "Investigating", Identified: "Identified", Monitoring: "Monitoring", Resolved: "Resolved",
		Feed: "Feed", From: "From", To: "to",
		Subscribe: "Subscribe by email", Email: "Email address",
		SubscribeHint:      "You get mails about incidents and maintenance, once you have confirmed your address. Every mail has a link to unsubscribe.",
		MaintenancePlanned: "Maintenance is planned", MaintenanceEnded: "Maintenance is over", Affected: "Affected: %s",
	},
	"de": {
		Operational: "In Betrieb", Degraded: "Eingeschränkt", Down: "Ausgefallen", Unknown: "Unbekannt", Maintenance: "Wartung",
		AllOperational: "Alle Systeme sind in Betrieb", SomeDegraded: "Einige Systeme sind eingeschränkt", SomeDown: "Einige Systeme sind ausgefallen", InMaintenance: "Eine Wartung läuft",
		Components: "Systeme", Incidents: "Störungen der letzten 90 Tage", NoIncidents: "Keine Störungen.", Planned: "Geplante Wartung",
		Today: "heute", DaysAgo: "vor 90 Tagen", Available: "%s %% verfügbar", NoData: "keine Daten", Updated: "Stand",
		Investigating: "Wird untersucht", Identified: "Ursache gefunden", Monitoring: "Wird beobachtet", Resolved: "Behoben",
		Feed: "Feed", From: "Von", To: "bis",
		Subscribe: "Per E-Mail abonnieren", Email: "E-Mail-Adresse",
		SubscribeHint:      "Sie erhalten E-Mails über Störungen und Wartungen, sobald Sie Ihre Adresse bestätigt haben. Jede E-Mail hat einen Link zum Abbestellen.",
		MaintenancePlanned: "Eine Wartung ist geplant", MaintenanceEnded: "Die Wartung ist beendet", Affected: "Betroffen: %s",
	},
	"fr": {
		Operational: "Opérationnel", Degraded: "Dégradé", Down: "En panne", Unknown: "Inconnu", Maintenance: "Maintenance",
		AllOperational: "Tous les systèmes sont opérationnels", SomeDegraded: "Certains systèmes sont dégradés", SomeDown: "Certains systèmes sont en panne", InMaintenance: "Une maintenance est en cours",
		Components: "Systèmes", Incidents: "Incidents des 90 derniers jours", NoIncidents: "Aucun incident.", Planned: "Maintenance planifiée",
		Today: "aujourd'hui", DaysAgo: "il y a 90 jours", Available: "disponible à %s %%", NoData: "aucune donnée", Updated: "Mis à jour",
		Investigating: "En cours d'analyse", Identified: "Cause identifiée", Monitoring: "Sous surveillance", Resolved: "Résolu",
		Feed: "Flux", From: "Du", To: "au",
		Subscribe: "S'abonner par e-mail", Email: "Adresse e-mail",
		SubscribeHint:      "Vous recevez des e-mails sur les incidents et les maintenances dès que vous avez confirmé votre adresse. Chaque e-mail contient un lien de désabonnement.",
		MaintenancePlanned: "Une maintenance est planifiée", MaintenanceEnded: "La maintenance est terminée", Affected: "Concerné : %s",
	},
	"es": {
		Operational: "Operativo", Degraded: "Degradado", Down: "Caído", Unknown: "Desconocido", Maintenance: "Mantenimiento",
		AllOperational: "Todos los sistemas están operativos", SomeDegraded: "Algunos sistemas están degradados", SomeDown: "Algunos sistemas están caídos", InMaintenance: "Hay un mantenimiento en curso",
		Components: "Sistemas", Incidents: "Incidentes de los últimos 90 días", NoIncidents: "Ningún incidente.", Planned: "Mantenimiento planificado",
		Today: "hoy", DaysAgo: "hace 90 días", Available: "%s %% disponible", NoData: "sin datos", Updated: "Actualizado",
		Investigating: "En investigación", Identified: "Causa identificada", Monitoring: "En observación", Resolved: "Resuelto",
		Feed: "Canal", From: "Del", To: "al",
		Subscribe: "Suscribirse por correo", Email: "Dirección de correo",
		SubscribeHint:      "Recibe correos sobre incidentes y mantenimientos en cuanto haya confirmado su dirección. Cada correo tiene un enlace para cancelar la suscripción.",
		MaintenancePlanned: "Hay un mantenimiento planificado", MaintenanceEnded: "El mantenimiento ha terminado", Affected: "Afectado: %s",
	},
}

func languageNames() []string { return slices.Sorted(maps.Keys(languages)) }
