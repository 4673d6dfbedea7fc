package unitytest

// The word lists are functions, not variables: nothing in this package can be
// changed from outside.

func placeWords() []string {
	return []string{"Harbour", "Northgate", "Oakfield", "Riverside", "Kingsway", "Meadow", "Stonebridge", "Castle", "Westbrook", "Eastgate",
		"Highfield", "Lakeside", "Park Lane", "Beacon", "Albion", "Crown", "Silverdale", "Maple", "Cedar", "Willow", "Ashford", "Brookside",
		"Cathedral", "Dockyard", "Elm Street", "Fairview", "Greenhill", "Hawthorn", "Ironbridge", "Juniper", "Keystone", "Longmeadow",
		"Millhouse", "Newbury", "Orchard", "Pinewood", "Quayside", "Rosewood", "Summit", "Thornton", "Union Square", "Valley", "Wharf",
		"Yarrow", "Abbey", "Bluebell", "Coastal", "Dunmore", "Evergreen", "Foxglove"}
}

func tradeWords() []string {
	return []string{"Dental", "Law LLP", "Accountants", "Veterinary Clinic", "Architects", "Logistics Ltd", "Primary School", "Pharmacy",
		"Estate Agents", "Engineering", "Insurance Brokers", "Physiotherapy", "Motors", "Hotel & Spa", "Chartered Surveyors", "Printing Co.",
		"Care Homes", "Brewery", "Optometry", "Furniture Inc.", "Bakery", "Recruitment", "Farms", "Medical Group", "Solicitors", "Electrical",
		"Housing Association", "Plumbing Supplies", "Charitable Trust", "Travel", "Wealth Management", "Packaging GmbH", "Media", "Roofing"}
}

func worldNames() []string {
	return []string{"株式会社サクラ商事", "Müller & Söhne GmbH", "Café Étoile", "北京华远科技有限公司", "Łódź Logistyka Sp. z o.o.", "Señor Taco S.L.",
		"Bäckerei Größ", "東京歯科クリニック", "Ñandú Viajes", "한빛회계법인", "Ångström Råd AB", "Ωmega Ιατρική", "Crèche Les Écureuils", "Șoimii Transport SRL",
		"大阪不動産株式会社", "Smørrebrød & Søn ApS", "Žižkov Účetní s.r.o.", "Clínica São João", "ООО Ромашка", "Gebrüder Weiß KG"}
}

func townWords() []string {
	return []string{"Leeds", "Bristol", "York", "Cardiff", "Dundee", "Derry", "Austin", "Boise", "Denver", "Tampa", "Perth", "Hobart", "Dunedin", "Cork",
		"Galway", "Ottawa", "Halifax", "Bath", "Exeter", "Lincoln"}
}

func firstNames() []string {
	return []string{"kim", "alex", "sam", "rita", "tom", "jo", "priya", "wei", "marta", "omar", "lena", "nils", "chloe", "ivan", "hana", "pete",
		"yuki", "zoe", "björn", "renée", "amir", "grace", "luca", "noor", "dave", "ellen"}
}

func lastNames() []string {
	return []string{"vance", "smith", "okafor", "patel", "müller", "garcia", "tanaka", "jones", "novak", "silva", "lee", "kowalski", "brown", "haas",
		"murphy", "ahmed", "olsen", "rossi", "dupont", "clark"}
}

func roleHosts() []string {
	return []string{"FRONTDESK", "RECEPTION", "ACCOUNTS", "SURGERY", "MEETING", "KIOSK", "WAREHOUSE", "TILL", "LAB", "OFFICE", "SALES", "DESIGN",
		"BOARDROOM", "XRAY", "HR", "PAYROLL"}
}

func serverHosts() []string {
	return []string{"SRV-DC", "SRV-FILE", "SRV-SQL", "SRV-RDS", "HV", "EXCH", "SRV-APP", "BACKUP", "SRV-PRINT"}
}

func localHosts() []string {
	return []string{"経理-PC", "EMPFANG-BÜRO", "Büro-Größe", "受付端末", "ÉTOILE-CAISSE", "Łukasz-Laptop", "사무실-PC", "ПРИЁМНАЯ"}
}

// hostileHosts are host names that a machine can really be given to attack
// whoever lists it: terminal sequences, direction overrides, line breaks.
func hostileHosts() []string {
	long := make([]byte, 300)
	for i := range long {
		long[i] = "ABCDEFGHIJ"[i%10]
	}
	return []string{"PC\x1b]52;c;cm0gLXJmIC8=\x07", "PC\x1b[2J\x1b[HOWNED", "PC-\u202egnp.exe", "PC-01\rSRV-DC01", string(long),
		"PC\x1b]0;title\x1b\\", "PC\u200b\u2066-X", "=cmd|' /C calc'!A0", "PC\tTAB\nLINE"}
}

func hostileSites() []string {
	return []string{"Evil\x1b]52;c;ZXZpbA==\x07 Corp", "Refund \u202eDTL knaB", "=HYPERLINK(\"http://bad.example\")", "Null\x00Byte\r\nInc"}
}

func malware() [][2]string {
	return [][2]string{{"inv_2231.exe", "W32.Trojan.Gen"}, {"eicar.com", "Anti-Malware Testfile"}, {"setup_free.exe", "W32.Adware.Installcore"},
		{"svch0st.exe", "W32.Trojan.Emotet"}, {"keygen.exe", "W32.Hacktool.Gen"}, {"toolbar.dll", "Pua.Toolbar"}, {"invoice.js", "Js.Downloader"},
		{"rechnung_Müller.scr", "W32.Ransom.Gen"}, {"chrome_update.exe", "W32.Backdoor.Gen"}}
}

func windowsVersions() []string {
	return []string{"Windows 11.0 (Build 22631) 64bit", "Windows 11.0 (Build 22621) 64bit", "Windows 10.0 (Build 19045) 64bit",
		"Windows 10.0 (Build 19044) 64bit", "Windows 11.0 (Build 26100) 64bit", "Windows 7 Service Pack 1 (Build 7601) 32bit"}
}

func serverVersions() []string {
	return []string{"Windows Server 2019 (Build 17763) 64bit", "Windows Server 2022 (Build 20348) 64bit", "Windows Server 2016 (Build 14393) 64bit",
		"Windows Server 2012 R2 (Build 9600) 64bit"}
}

func pcAgents() []string {
	return []string{"9.0.36.40", "9.0.36.40", "9.0.35.17", "9.0.35.12", "9.0.34.52", "9.0.31.86", "8.0.8.53"}
}

func macAgents() []string { return []string{"9.5.8.209", "9.5.10.211", "9.6.1.55"} }

func macVersions() []string { return []string{"13.5.1", "14.4.1", "12.7", "15.0"} }
