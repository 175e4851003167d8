package subscribers

// words are the texts of mails and of the pages of their links in one language.
type words struct {
	ConfirmTitle, ConfirmText, Confirm, NotYou           string
	Because, Leave, LeaveQuestion                        string
	Asked, NoAddress, TooMany                            string
	ConfirmQuestion, Confirmed, NotConfirmed, Left, Back string
}

// languages has the languages of status pages, by code.
var languages = map[string]words{
	"en": {
		ConfirmTitle: "Confirm your subscription to %s", Confirm: "Confirm subscription",
		ConfirmText: "Open the link within 24 hours to get mails about incidents and maintenance at this address.",
		NotYou:      "If you did not enter your address, ignore this mail: you will not be subscribed.",
		Because:     "You get this mail because you subscribed to %s.", Leave: "Unsubscribe", LeaveQuestion: "Unsubscribe from mails of %s?",
		Asked:     "If this address can be subscribed, a mail is on its way to it. Open its link within 24 hours.",
		NoAddress: "This is not an email address that can be subscribed.", TooMany: "There were too many requests from your network. Try again in some minutes.",
		ConfirmQuestion: "Get mails about incidents and maintenance of %s?", Confirmed: "You are subscribed.",
		NotConfirmed: "This link was used already, or is older than 24 hours. If you are not subscribed, enter your address again.",
		Left:         "You get no more mails.", Back: "Back to %s",
	},
	"de": {
		ConfirmTitle: "Bestätigen Sie Ihr Abonnement von %s", Confirm: "Abonnement bestätigen",
		ConfirmText: "Öffnen Sie den Link innerhalb von 24 Stunden, um unter dieser Adresse E-Mails über Störungen und Wartungen zu erhalten.",
		NotYou:      "Wenn Sie Ihre Adresse nicht eingegeben haben, ignorieren Sie diese E-Mail: Ohne Ihre Bestätigung gibt es kein Abonnement.",
		Because:     "Sie erhalten diese E-Mail, weil Sie %s abonniert haben.", Leave: "Abbestellen", LeaveQuestion: "E-Mails von %s abbestellen?",
		Asked:     "Wenn diese Adresse abonnieren kann, ist eine E-Mail an sie unterwegs. Öffnen Sie deren Link innerhalb von 24 Stunden.",
		NoAddress: "Das ist keine E-Mail-Adresse, die abonnieren kann.", TooMany: "Aus Ihrem Netz kamen zu viele Anfragen. Versuchen Sie es in einigen Minuten noch einmal.",
		ConfirmQuestion: "E-Mails über Störungen und Wartungen von %s erhalten?", Confirmed: "Ihr Abonnement ist bestätigt.",
		NotConfirmed: "Dieser Link wurde schon benutzt oder ist älter als 24 Stunden. Wenn Sie kein Abonnement haben, geben Sie Ihre Adresse noch einmal ein.",
		Left:         "Sie erhalten keine E-Mails mehr.", Back: "Zurück zu %s",
	},
	"fr": {
		ConfirmTitle: "Confirmez votre abonnement à %s", Confirm: "Confirmer l'abonnement",
		ConfirmText: "Ouvrez le lien dans les 24 heures pour recevoir à cette adresse des e-mails sur les incidents et les maintenances.",
		NotYou:      "Si vous n'avez pas saisi votre adresse, ignorez cet e-mail : vous ne serez pas abonné.",
		Because:     "Vous recevez cet e-mail parce que vous êtes abonné à %s.", Leave: "Se désabonner", LeaveQuestion: "Se désabonner des e-mails de %s ?",
		Asked:     "Si cette adresse peut être abonnée, un e-mail lui est envoyé. Ouvrez son lien dans les 24 heures.",
		NoAddress: "Ce n'est pas une adresse e-mail qui peut être abonnée.", TooMany: "Trop de demandes viennent de votre réseau. Réessayez dans quelques minutes.",
		ConfirmQuestion: "Recevoir des e-mails sur les incidents et les maintenances de %s ?", Confirmed: "Vous êtes abonné.",
		NotConfirmed: "Ce lien a déjà été utilisé, ou date de plus de 24 heures. Si vous n'êtes pas abonné, saisissez de nouveau votre adresse.",
		Left:         "Vous ne recevrez plus d'e-mails.", Back: "Retour à %s",
	},
	"es": {
		ConfirmTitle: "Confirme su suscripción a %s", Confirm: "Confirmar la suscripción",
		ConfirmText: "Abra el enlace en un plazo de 24 horas para recibir en esta dirección correos sobre incidentes y mantenimientos.",
		NotYou:      "Si no ha introducido su dirección, ignore este correo: no quedará suscrito.",
		Because:     "Recibe este correo porque está suscrito a %s.", Leave: "Cancelar la suscripción", LeaveQuestion: "¿Cancelar la suscripción a los correos de %s?",
		Asked:     "Si esta dirección se puede suscribir, se le envía un correo. Abra su enlace en un plazo de 24 horas.",
		NoAddress: "No es una dirección de correo que se pueda suscribir.", TooMany: "Hay demasiadas solicitudes desde su red. Inténtelo de nuevo en unos minutos.",
		ConfirmQuestion: "¿Recibir correos sobre incidentes y mantenimientos de %s?", Confirmed: "Está suscrito.",
		NotConfirmed: "Este enlace ya se ha usado, o tiene más de 24 horas. Si no está suscrito, introduzca de nuevo su dirección.",
		Left:         "No recibirá más correos.", Back: "Volver a %s",
	},
}
